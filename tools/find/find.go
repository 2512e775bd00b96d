// Package find has the tools that read: they find whom to text, and tell what became of a message.
//
// Twilio's lists have no filter and no documented order. So a name is first asked for as a unique name, which takes one
// request, and only then looked for in the list. Such a look is bounded, and every answer says whether it was complete.
// Nothing is guessed: two that fit are two candidates.
//
// What people wrote, their names included, is hostile input beside a tool that sends. It stands in fields of its own and
// never in this project's words, without characters that cannot be seen; see visible.
package find

import (
	"regexp"

	"twilio-proxy-mcp/twilio"
)

// Config is what a Finder needs from its command.
type Config struct {
	// Client talks to the Proxy API or to the fake; required.
	Client *twilio.Client
	// Service is the SID or unique name of the Service that counts where a call names none. Without one, it is the only
	// Service of the account.
	Service string
	// ShowIdentifiers shows the identifiers of people, mostly phone numbers, which are otherwise masked to the last four digits.
	ShowIdentifiers bool
}

// A Finder has the tools. Make one with New.
type Finder struct {
	Config
	phones *regexp.Regexp // what may be a phone number in a name
}

// New makes a Finder.
func New(c Config) *Finder { return &Finder{Config: c, phones: regexp.MustCompile(phonePattern)} }
