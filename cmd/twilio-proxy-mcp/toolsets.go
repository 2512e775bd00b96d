package main

import (
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/tools/send"
)

// A toolSet adds one or more tools to all.
type toolSet func(a *app, c *Common, all *tools.Tools) error

// toolSets are the tools that the server offers. To offer a new tool, add a line here.
var toolSets = []toolSet{sendTools}

// sendTools adds the tool that sends a message.
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
