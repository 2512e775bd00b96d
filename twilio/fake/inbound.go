package fake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

// ErrBlocked is what Answer returns when the service's intercept URL answered
// 403: no interaction came to be (code 80909).
var ErrBlocked = errors.New("80909: the intercept URL answered 403, the message was blocked")

// Answer lets a participant write to its proxy identifier. It returns the SID
// of the interaction: the inbound half is the participant's, the outbound half
// goes to the partner, if the session has one. An error says why the message
// went nowhere; in a closed session the service's out-of-session URL is called.
func (f *Fake) Answer(ctx context.Context, participantSid, body string) (string, error) {
	if body == "" || !utf8.ValidString(body) {
		return "", invalid("body", "It must be text, and not empty.")
	}
	if len(body) > maxBody {
		return "", invalid("body", fmt.Sprintf("It is longer than %d bytes.", maxBody))
	}
	f.mu.Lock()
	m, err := f.inbound(participantSid, body)
	var hook webhook
	if err == nil {
		hook = webhook{m.session.service.InterceptCallbackUrl, f.callbackForm(m, m.Created)}
	} else if m != nil {
		hook = webhook{m.session.service.OutOfSessionCallbackUrl, f.messageForm(m)}
	}
	f.mu.Unlock()

	if loopbackURL(hook.url) {
		status, callErr := f.call(ctx, hook)
		if err == nil && callErr == nil && status == http.StatusForbidden {
			return "", ErrBlocked
		}
	}
	if err != nil {
		return "", err
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.direct(m, f.clock.now()); err != nil { // what held before the intercept URL was asked may hold no more
		return "", err
	}
	m.Seq = f.world.next() // the order is that of arrival, after the intercept URL agreed
	f.addMessage(m.session, m, m.Created)
	return m.Sid, nil
}

// inbound makes the message that a participant writes. With an error that the
// out-of-session URL is to hear of it returns the message as well.
func (f *Fake) inbound(participantSid, body string) (*message, error) {
	p := f.world.participants[participantSid]
	if p == nil || !p.Deleted.IsZero() {
		return nil, refuse(404, 80903, "Unknown Participant")
	}
	now := f.clock.now()
	m := &message{Body: body, Inbound: p.Sid, session: p.session}
	m.record = f.newRecord("KI", &call{now: now})
	return m, f.direct(m, now)
}

// direct finds out whether a participant's message may go on now, and to whom.
func (f *Fake) direct(m *message, now time.Time) error {
	p := f.world.participants[m.Inbound]
	if p == nil || p.session != m.session || !p.Deleted.IsZero() {
		return refuse(404, 80903, "Unknown Participant")
	}
	f.settle(p.session, now)
	if err := p.session.usable(); err != nil {
		return err
	}
	m.Outbound, m.Life = "", f.lifeFor(p)
	for _, partner := range p.session.Participants {
		if partner != p && partner.Deleted.IsZero() {
			m.Outbound, m.Life = partner.Sid, f.lifeFor(partner)
		}
	}
	return nil
}

// messageForm has Messaging's webhook parameters, which an out-of-session URL
// gets; which of them Proxy sends is chosen.
func (f *Fake) messageForm(m *message) url.Values {
	p := f.world.participants[m.Inbound]
	sid := m.resourceSid(true)
	return url.Values{
		"AccountSid": {f.account().Username}, "ApiVersion": {"2010-04-01"}, "Body": {m.Body},
		"From": {p.Identifier}, "To": {p.ProxyIdentifier}, "MessageSid": {sid}, "SmsMessageSid": {sid},
		"SmsSid": {sid}, "SmsStatus": {"received"}, "NumMedia": {"0"}, "NumSegments": {"1"},
		"DateCreated": {m.Created.UTC().Format(time.RFC3339)},
	}
}
