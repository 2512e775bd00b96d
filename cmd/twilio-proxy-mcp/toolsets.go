package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/find"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/tools/send"
)

// A toolSet is one or more tools that --tools offers together.
type toolSet struct {
	name  string
	texts bool // it may send messages, so --read-only leaves it out
	add   func(a *app, c *Common, all *tools.Tools) error
}

// toolSets are the tools that the server can offer. To offer a new tool, add a line here. The default of --tools says
// which are on.
var toolSets = []toolSet{
	{"send", true, sendTools},
	{"find", false, findTools},
	{"read", false, readTools},
}

// checkTools returns an error if --tools names a set that does not exist, or if no tool is left.
func (c *Common) checkTools() error {
	var known []string
	for _, set := range toolSets {
		known = append(known, set.name)
	}
	for _, name := range c.Tools {
		if !slices.Contains(known, name) {
			return fmt.Errorf("--tools: there is no set %q; the sets are %s", name, strings.Join(known, ", "))
		}
	}
	if len(c.chosen(toolSets)) == 0 {
		return errors.New("--tools and --read-only leave no tool")
	}
	return nil
}

// chosen are the sets that the flags choose, in the order of all.
func (c *Common) chosen(all []toolSet) (chosen []toolSet) {
	for _, set := range all {
		if slices.Contains(c.Tools, set.name) && !(set.texts && c.ReadOnly) {
			chosen = append(chosen, set)
		}
	}
	return chosen
}

func (a *app) finder(c *Common) *find.Finder {
	return find.New(find.Config{Client: a.client, Service: c.Service, ShowIdentifiers: c.ShowIdentifiers})
}

// findTools adds the tools that find whom to text, and follow a message.
func findTools(a *app, c *Common, all *tools.Tools) error {
	f := a.finder(c)
	return errors.Join(
		tools.Add(all, f.FindParticipant()),
		tools.Add(all, f.GetInteraction()),
		tools.Add(all, f.ListSessions()))
}

// readTools adds the tool that shows what people wrote.
func readTools(a *app, c *Common, all *tools.Tools) error {
	return tools.Add(all, a.finder(c).ReadConversation())
}

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
		Deadline:        c.Deadline,
		Log:             a.log,
	})
	if err != nil {
		return err
	}
	return tools.Add(all, sender.Definition())
}
