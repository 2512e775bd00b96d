package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"twilio-proxy-mcp/tools/ledger"
)

type historyCmd struct {
	List    historyListCmd    `cmd:"" default:"withargs" help:"List what was sent, newest first (the default)."`
	Resolve historyResolveCmd `cmd:"" help:"Record what became of a message whose outcome is unknown."`
	// Its name says what it costs.
	AcceptLoss historyAcceptLossCmd `cmd:"" help:"Go on with a damaged ledger file without what it lost. A lost message can then be sent again, so put the right files back if you have them. What can still be read is kept; files that cannot are moved aside. It is refused while nothing is damaged, and while a server that has sent is still running."`
}

type historyListCmd struct {
	State       string        `env:"TWILIO_PROXY_MCP_HISTORY_STATE" enum:",claimed,sent,refused,not_sent,unknown" default:"" help:"Only entries in this state: claimed, sent, refused, not_sent or unknown."`
	Session     string        `placeholder:"SID" help:"Only this Session."`
	Participant string        `placeholder:"SID" help:"Only this Participant."`
	Since       time.Duration `placeholder:"DURATION" help:"Only entries that began within this time, such as 24h."`
	Limit       int           `default:"100" help:"At most this many entries."`
	JSON        bool          `name:"json" help:"Print JSON, one entry per line."`
}

type historyResolveCmd struct {
	ID    ledger.ID `arg:"" help:"The entry's ID, as listed, such as 41-k7f3q. It is of one ledger: give the same --ledger as the server. A number alone needs --ledger or --ledger-file on the command line."`
	State string    `arg:"" enum:"sent,not_sent" help:"What you found out: sent or not_sent. After not_sent, the message may be sent again. It cannot be changed afterwards."`
}

func (c *Common) historyLedger(s program) (*ledger.Ledger, error) {
	c.quiet = true
	l, err := c.openLedger(c.logger(s))
	if l != nil {
		l.MustExist = true // who looks makes nothing
	}
	if err == nil && l == nil {
		err = usageError{errors.New("--ledger off keeps no history")}
	}
	return l, err
}

// namesLedger says whether a flag or its variable names the ledger. Otherwise it is the one in the default place.
func (c *Common) namesLedger() bool { return c.Ledger != "" || c.LedgerFile != "" }

// saysLedger says whether the command itself names the ledger. A variable may have been set for another purpose.
func (c *Common) saysLedger() bool {
	return c.Ledger != "" && c.variables["ledger"] == "" || c.LedgerFile != "" && c.variables["ledger-file"] == ""
}

// noLedger says whether err is that there is no file.
func noLedger(l *ledger.Ledger, err error) bool {
	return l.Path != "" && errors.Is(err, fs.ErrNotExist)
}

// failed adds to an error of the ledger which one it is and what to do.
func (c *Common) failed(l *ledger.Ledger, err error) error {
	switch {
	case noLedger(l, err) && c.namesLedger():
		return usageError{fmt.Errorf("there is no ledger at %s: correct --ledger, or what sets it; nothing was made", ledgerName(l))}
	case noLedger(l, err):
		return fmt.Errorf("there is no ledger at %s; if another one is meant, name it with --ledger", ledgerName(l))
	case errors.Is(err, ledger.ErrNotFound):
		return fmt.Errorf("%s: %w; name the ledger that is meant with --ledger (ledger= in the server's first line of log says which)", ledgerName(l), err)
	}
	return fmt.Errorf("%s: %w", ledgerName(l), err)
}

// Run may be used while servers use the same ledger.
func (cmd *historyListCmd) Run(ctx context.Context, c *Common, s program) error {
	l, err := c.historyLedger(s)
	if err != nil {
		return err
	}
	defer l.Close()
	filter := ledger.Filter{State: ledger.State(cmd.State), Session: cmd.Session, Participant: cmd.Participant, Within: cmd.Since, Limit: cmd.Limit}
	entries, err := l.History(ctx, filter)
	switch {
	case noLedger(l, err) && !c.namesLedger():
		fmt.Fprintf(s.err, "No message was recorded yet: there is no ledger at %s.\n", ledgerName(l))
		return nil
	case err != nil:
		return c.failed(l, err)
	}
	losses, damage := l.Losses(ctx)
	if err = cmd.print(ctx, c, l, s, entries); err != nil {
		return err
	}
	for record := range strings.Lines(losses) {
		fmt.Fprint(s.err, "A loss was accepted at ", record)
	}
	if damage != nil {
		return c.failed(l, damage)
	}
	return nil
}

// print names the ledger after the entries: what goes to stderr does not wait for stdout, and would be among them.
func (cmd *historyListCmd) print(ctx context.Context, c *Common, l *ledger.Ledger, s program, entries []ledger.Entry) error {
	if len(entries) == 0 {
		return cmd.sayNone(ctx, c, l, s.err)
	}
	show := printTable
	if cmd.JSON {
		show = printJSON
	}
	if err := show(s.out, entries); err != nil {
		return err
	}
	fmt.Fprintln(s.err, "Ledger:", ledgerName(l))
	return nil
}

func printJSON(out io.Writer, entries []ledger.Entry) error {
	encoder := json.NewEncoder(out)
	for _, entry := range entries {
		if err := encoder.Encode(entry); err != nil {
			return err
		}
	}
	return nil
}

// sayNone tells an empty ledger from one of which nothing fits the filter.
func (cmd *historyListCmd) sayNone(ctx context.Context, c *Common, l *ledger.Ledger, out io.Writer) error {
	entries, err := l.History(ctx, ledger.Filter{Limit: 1})
	if err != nil {
		return c.failed(l, err)
	}
	text := "The ledger is empty: no message was recorded in %s yet.\n"
	if len(entries) > 0 {
		text = "No entry fits: %s has entries, but none like that.\n"
	}
	fmt.Fprintf(out, text, ledgerName(l))
	return nil
}

// printTable shows accounts and upstreams only when the entries have more than one.
func printTable(out io.Writer, entries []ledger.Entry) error {
	mixed := slices.ContainsFunc(entries, func(e ledger.Entry) bool {
		return e.Account != entries[0].Account || e.Host != entries[0].Host
	})
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	header := "ID\tSTATE\tBEGUN\tSETTLED\tSESSION\tPARTICIPANT\tINTERACTION\tCODE"
	if mixed {
		header += "\tACCOUNT\tUPSTREAM"
	}
	fmt.Fprintln(w, header)
	for _, e := range entries {
		settled := "-"
		if !e.Settled.IsZero() {
			settled = e.Settled.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", e.ID, e.State, e.Begun.UTC().Format(time.RFC3339), settled, e.Session, e.Participant, cmp.Or(e.Sid, "-"), cmp.Or(e.Code, "-"))
		if mixed {
			fmt.Fprintf(w, "\t%s\t%s", e.Account, e.Host)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// Run records what a person found out.
func (cmd *historyResolveCmd) Run(ctx context.Context, c *Common, s program) error {
	if !cmd.ID.Proven() && !c.saysLedger() {
		return usageError{fmt.Errorf("entry %s was not changed: another ledger may have an entry of that number, too; give the whole ID, as \"twilio-proxy-mcp history\" lists it, or name the ledger in this command with --ledger or --ledger-file", cmd.ID)}
	}
	l, err := c.historyLedger(s)
	if err != nil {
		return err
	}
	defer l.Close()
	opened := l.Open(ctx)
	err = opened
	if err == nil {
		err = l.Resolve(ctx, cmd.ID, ledger.State(cmd.State))
	}
	if broken, ok := errors.AsType[*ledger.UnavailableError](err); ok && opened == nil && broken.Reason == ledger.Gone {
		return fmt.Errorf("it is not known whether entry %s was changed, see \"twilio-proxy-mcp history\": %w", cmd.ID, c.failed(l, err))
	}
	if err != nil {
		return fmt.Errorf("entry %s was not changed: %w", cmd.ID, c.failed(l, err))
	}
	done := fmt.Sprintf("Entry %s of %s is now %s.\n", cmd.ID, ledgerName(l), cmd.State)
	if err := s.print(done); err != nil { // what was recorded decides the status
		fmt.Fprintf(s.err, "%sThat could not be printed: %v.\n", done, err)
	}
	return nil
}
