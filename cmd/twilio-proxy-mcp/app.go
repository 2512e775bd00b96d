package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"twilio-proxy-mcp/cmd/internal/serve"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/tools/send"
)

// A toolSet adds its tools to those of an app.
type toolSet func(a *app, c *Common, all *tools.Tools) error

// toolSets are all that the server offers. A new tool is a line here.
var toolSets = []toolSet{sendTools}

// sendTools are the tool that sends a message.
func sendTools(a *app, c *Common, all *tools.Tools) error {
	sender, err := send.New(send.Config{
		Client:          a.client,
		MaxBodyLength:   c.MaxBodyLength,
		Ledger:          a.ledger,
		Account:         a.account,
		Host:            a.host,
		DuplicateWindow: c.DuplicateWindow,
		Limits:          ledger.Limits{PerMinute: c.MaxSends, PerParticipantPerMinute: c.MaxSendsPerParticipant},
		RateLimit:       c.RateLimit,
		Deadline:        c.Deadline,
		Log:             a.log,
	})
	if err != nil {
		return err
	}
	return tools.Add(all, sender.Definition())
}

// An app is the wiring that every subcommand with tools shares.
type app struct {
	*backend
	ledger *ledger.Ledger // nil with --ledger off
	tools  *tools.Tools
	mcp    *server.MCPServer
	log    *slog.Logger
}

// newApp makes an app. measured hears of calls and exchanges; it may be nil.
func newApp(c *Common, s program, measured *metrics) (*app, error) {
	b, err := openBackend(c)
	if err != nil {
		return nil, err
	}
	a := &app{backend: b, log: c.logger(s)}
	if err := a.remember(c); err != nil {
		b.close()
		return nil, err
	}
	a.tools = &tools.Tools{Fake: b.fake != nil, Caller: serve.Caller, Deadline: c.Deadline, Log: a.log}
	if measured != nil {
		a.tools.Observe, a.client.Observe = measured.ended, measured.exchanged
	}
	for _, add := range s.tools {
		if err := add(a, c, a.tools); err != nil {
			a.close()
			return nil, err
		}
	}
	a.mcp = server.NewMCPServer(info().Name, info().Version,
		server.WithTitle(info().Title),
		server.WithToolCapabilities(false),
		// The list is the same for every caller and changes with the binary alone.
		server.WithCacheHints(time.Hour.Milliseconds(), mcp.CacheScopePublic),
		server.WithInstructions(instructions(b.fake != nil)),
		server.WithHooks(&server.Hooks{OnError: []server.OnErrorHookFunc{func(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) {
			if errors.Is(err, server.ErrToolNotFound) {
				a.tools.Unknown(ctx)
			}
		}}}))
	a.tools.Register(a.mcp)
	return a, nil
}

// info is how the server names itself to its clients.
func info() mcp.Implementation {
	return mcp.Implementation{Name: "twilio-proxy-mcp", Version: version(), Title: "Twilio Proxy"}
}

// server serves the tools.
func (a *app) server(c *Common) *serve.Server {
	return &serve.Server{MCP: a.mcp, Info: info(), Log: a.log, Grace: c.Deadline}
}

// remember makes the ledger: the fake's is in memory, so that it never mixes
// with a live one.
func (a *app) remember(c *Common) (err error) {
	if a.fake != nil && c.Ledger == "" && c.LedgerFile == "" {
		a.ledger = &ledger.Ledger{Memory: true, Log: a.log}
		return nil
	}
	if a.ledger, err = c.openLedger(a.log); err == nil && a.ledger == nil {
		a.log.Warn("the ledger is off: a repeated call is a second message")
		if c.MaxSends > 0 || c.MaxSendsPerParticipant > 0 {
			return usageError{errors.New("--max-sends and --max-sends-per-participant count in the ledger, which is off")}
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

// announce says loudly where messages go.
func (a *app) announce(ctx context.Context) {
	if a.fake != nil {
		a.log.WarnContext(ctx, "running on the built-in fake of Twilio Proxy: nobody will be texted")
		return
	}
	a.log.InfoContext(ctx, "running against the live API: people will be texted", "client", a.client)
}

// instructions are for the model: short, and they say which backend is on.
func instructions(fake bool) string {
	if fake {
		return "Sends messages in masked Twilio Proxy conversations. The backend is the built-in fake: no real person is texted."
	}
	return "Sends messages in masked Twilio Proxy conversations. The backend is live: real people are texted, and sending cannot be undone."
}
