package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"twilio-proxy-mcp/tools/ledger"
)

type historyCmd struct {
	List    historyListCmd    `cmd:"" default:"withargs" help:"List what was sent, newest first (the default)."`
	Resolve historyResolveCmd `cmd:"" help:"Record what became of a message whose outcome is unknown."`
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
	ID    int64  `arg:"" help:"The entry's ID, as listed."`
	State string `arg:"" enum:"sent,not_sent" help:"What you found out: sent or not_sent. After not_sent, the message may be sent again."`
}

func (c *Common) historyLedger(s program) (*ledger.Ledger, error) {
	c.quiet = true
	l, err := c.openLedger(c.logger(s))
	if err == nil && l == nil {
		err = usageError{errors.New("--ledger off keeps no history")}
	}
	return l, err
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
	if err != nil {
		return err
	}
	if cmd.JSON {
		encoder := json.NewEncoder(s.out)
		for _, entry := range entries {
			if err := encoder.Encode(entry); err != nil {
				return err
			}
		}
		return nil
	}
	if len(entries) == 0 {
		fmt.Fprintln(s.err, "No entry fits.")
		return nil
	}
	return printTable(s.out, entries)
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
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s", e.ID, e.State, e.Begun.UTC().Format(time.RFC3339), settled, e.Session, e.Participant, dash(e.Sid), dash(e.Code))
		if mixed {
			fmt.Fprintf(w, "\t%s\t%s", e.Account, e.Host)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Run records what a person found out.
func (cmd *historyResolveCmd) Run(ctx context.Context, c *Common, s program) error {
	l, err := c.historyLedger(s)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Resolve(ctx, cmd.ID, ledger.State(cmd.State)); err != nil {
		return fmt.Errorf("entry %s was not changed: %w", strconv.FormatInt(cmd.ID, 10), err)
	}
	fmt.Fprintf(s.out, "Entry %d is now %s.\n", cmd.ID, cmd.State)
	return nil
}
