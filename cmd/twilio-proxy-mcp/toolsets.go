package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"twilio-proxy-mcp/cmd/internal/serve"
	"twilio-proxy-mcp/schema"
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

// checkTools refuses a list of --tools that is empty, or that names a set twice or one that does not exist.
func (c *Common) checkTools() error {
	var known, seen []string
	for _, set := range toolSets {
		known = append(known, set.name)
	}
	sets := "the sets are " + strings.Join(known, ", ")
	for _, name := range c.Tools {
		switch {
		case slices.Contains(seen, name):
			return fmt.Errorf("--tools names %s twice", name)
		case slices.Contains(known, name):
			seen = append(seen, name)
		case setName.MatchString(name):
			return fmt.Errorf("--tools: there is no set %q; %s", name, sets)
		default: // it may be a secret in the wrong place
			return errors.New("--tools: one of the names is no set's; " + sets)
		}
	}
	if len(seen) == 0 {
		return errors.New("--tools is empty: name one or more; " + sets)
	}
	return nil
}

// setName is what may be shown of a name in --tools: no secret has so few characters, and only letters.
var setName = regexp.MustCompile("^[A-Za-z]{1,15}$")

// chosen are the sets that the flags choose, in the order of all. None is wrong usage.
func (c *Common) chosen(all []toolSet) (chosen []toolSet, err error) {
	for _, set := range all {
		if slices.Contains(c.Tools, set.name) && !(set.texts && c.ReadOnly) {
			chosen = append(chosen, set)
		}
	}
	if len(chosen) == 0 {
		err = usageError{errors.New("--tools and --read-only leave no tool: name another set in --tools, or leave out --read-only")}
	}
	return chosen, err
}

// texting reports whether one of the sets may send messages.
func texting(sets []toolSet) bool {
	return slices.ContainsFunc(sets, func(set toolSet) bool { return set.texts })
}

// setNames are the names of sets, as --tools has them.
func setNames(sets []toolSet) string {
	var names []string
	for _, set := range sets {
		names = append(names, set.name)
	}
	return strings.Join(names, ",")
}

// likeSid is a SID of any kind. likeServiceSid is meant to be a Service's: a name that begins so and goes on with that many
// hexadecimal digits is no name.
var (
	likeSid        = regexp.MustCompile("^[A-Z]{2}[0-9a-fA-F]{32}$")
	likeServiceSid = regexp.MustCompile("^[Kk][Ss][0-9a-fA-F]{24,40}$")
)

// maxServiceName is in characters (Twilio's page on Services: UniqueName).
const maxServiceName = 191

// checkService refuses a --service that can be neither the SID nor the unique name of a Service. The error does not show
// the value.
func (c *Common) checkService() error {
	visible := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1 // a SID that was copied may have such a character
		}
		return r
	}, c.Service)
	_, err := schema.ParseSid[schema.KS](c.Service)
	switch {
	case err == nil:
		return nil
	case likeSid.MatchString(visible) || likeServiceSid.MatchString(visible):
		return fmt.Errorf("--service: %w: give the SID of a Service (KS and 32 hexadecimal digits), or its unique name", err)
	case c.Service != "" && strings.TrimSpace(c.Service) == "":
		return errors.New("--service: the value is only white space")
	case utf8.RuneCountInString(c.Service) > maxServiceName:
		return fmt.Errorf("--service: the unique name of a Service has at most %d characters", maxServiceName)
	}
	return nil
}

func (a *app) finder(c *Common) *find.Finder {
	return find.New(find.Config{
		Client: a.client, Service: c.Service, ShowIdentifiers: c.ShowIdentifiers, MaxCalls: c.maxCalls, Stopping: serve.Stopping,
	})
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
