package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/serve"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
)

// An app is what every subcommand with tools needs: a backend, a ledger and an MCP server with the tools.
type app struct {
	*backend
	sets   []toolSet
	ledger *ledger.Ledger // nil with --ledger off, and without a set that texts
	tools  *tools.Tools
	mcp    *server.MCPServer
	log    *slog.Logger
}

// newApp makes an app. m counts its calls and its exchanges with Twilio; it may be nil.
func newApp(c *Common, s program, m *metrics) (*app, error) {
	sets, err := c.chosen(s.tools)
	if err != nil {
		return nil, err
	}
	b, err := openBackend(c)
	if err != nil {
		return nil, err
	}
	a := &app{backend: b, sets: sets, log: c.logger(s)}
	if err := a.setLedger(c); err != nil {
		b.close()
		return nil, err
	}
	a.tools = &tools.Tools{Fake: b.fake != nil, Caller: serve.Caller, Deadline: c.Deadline, Log: a.log}
	if m != nil {
		a.tools.Observe, a.client.Observe = m.countCall, m.countExchange
	}
	for _, set := range sets {
		if err := set.add(a, c, a.tools); err != nil {
			a.close()
			return nil, err
		}
	}
	offered := namesOf(a.tools.Definitions())
	a.mcp = server.NewMCPServer(info().Name, info().Version,
		server.WithTitle(info().Title),
		server.WithToolCapabilities(false),
		// The list is the same for every caller. Only a new binary or another flag changes it; see toolsCmd.
		server.WithCacheHints(time.Hour.Milliseconds(), mcp.CacheScopePublic),
		server.WithInstructions(instructions(offered, b.host)),
		server.WithHooks(&server.Hooks{OnError: []server.OnErrorHookFunc{func(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) {
			if errors.Is(err, server.ErrToolNotFound) {
				a.tools.Unknown(ctx)
			}
		}}}))
	a.tools.Register(a.mcp)
	if slices.Contains(offered, toolFind) && slices.Contains(offered, toolSend) {
		addPrompt(a.mcp, c.MaxBodyLength)
	}
	return a, nil
}

func namesOf(definitions []mcp.Tool) (names []string) {
	for _, tool := range definitions {
		names = append(names, tool.Name)
	}
	return names
}

// info is how the server names itself to its clients.
func info() mcp.Implementation {
	return mcp.Implementation{Name: "twilio-proxy-mcp", Version: version(), Title: "Twilio Proxy"}
}

func (a *app) server(c *Common) *serve.Server {
	return &serve.Server{MCP: a.mcp, Info: info(), Log: a.log, MaxInFlight: c.maxCalls, Grace: c.Deadline}
}

// setLedger makes the ledger. The fake's is in memory by default, so that its
// entries stay out of the live ledger. A path that can never hold one is refused.
// Without a tool that sends there is none, whatever the flags say, as long as it can be understood.
func (a *app) setLedger(c *Common) (err error) {
	if !texting(a.sets) {
		if c.namesLedger() {
			if _, err := c.ledgerSetting(); err != nil {
				return usageError{err}
			}
		}
		if c.MaxSends > 0 || c.MaxSendsPerParticipant > 0 {
			a.log.Info("--max-sends and --max-sends-per-participant mean nothing: no tool that sends is offered")
		}
		return nil
	}
	if a.fake != nil && c.Ledger == "" && c.LedgerFile == "" {
		a.ledger = &ledger.Ledger{Memory: true, Log: a.log}
		return nil
	}
	a.ledger, err = c.openLedger(a.log)
	if err == nil && a.ledger != nil && a.ledger.Path != "" {
		err = c.checkPath(a.ledger.Path)
	}
	if err == nil && a.ledger == nil {
		a.log.Warn("the ledger is off: a repeated call sends a second message")
		if c.MaxSends > 0 || c.MaxSendsPerParticipant > 0 {
			return usageError{errors.New("--max-sends and --max-sends-per-participant need the ledger, which is off")}
		}
	}
	return err
}

func (a *app) close() {
	if a.ledger != nil {
		if err := a.ledger.Close(); err != nil {
			a.log.Error("the ledger did not close cleanly", "error", err)
		}
	}
	a.backend.close()
}

// announce logs whether people will be texted, and what there is: the sets of tools, the ledger, the backend, the fake's
// page, and more, which is a list of names and values.
func (a *app) announce(ctx context.Context, more ...any) {
	name, nobody := ledgerName(a.ledger), "nobody will be texted"
	if !texting(a.sets) {
		name, nobody = "not needed", "no tool that sends is offered, so nobody will be texted"
	}
	facts := append([]any{"tools", setNames(a.sets), "ledger", name}, more...)
	if a.fake != nil {
		facts = append(facts, "backend", "fake", "page", a.page)
		a.log.WarnContext(ctx, "running on the built-in fake of Twilio Proxy: "+nobody, facts...)
		return
	}
	facts = append(facts, "backend", "live", "client", a.client)
	text, people := "running against the live API: ", "people will be texted"
	if a.host != twilioHost {
		text, people = "running against another address than Twilio's: ", "people will be texted, unless a fake answers there"
	}
	if !texting(a.sets) {
		people = nobody
	}
	a.log.InfoContext(ctx, text+people, facts...)
}
