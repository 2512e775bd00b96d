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
	"cmp"
	"context"
	"regexp"

	"golang.org/x/sync/semaphore"

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
	// MaxCalls is how many calls the server answers at once; 0 is many. At most a quarter of them wait for a final status.
	MaxCalls int
	// Stopping tells when the server that serves a call has to stop: then nothing more is waited for. Nil is never.
	Stopping func(context.Context) context.Context
}

// A Finder has the tools. Make one with New.
type Finder struct {
	Config
	phones *regexp.Regexp      // what may be a phone number in a name
	waits  *semaphore.Weighted // calls that wait for a final status
}

// New makes a Finder.
func New(c Config) *Finder {
	most := max(1, min(maxWaits, cmp.Or(c.MaxCalls, 4*maxWaits)/4))
	return &Finder{Config: c, phones: regexp.MustCompile(phonePattern), waits: semaphore.NewWeighted(int64(most))}
}
