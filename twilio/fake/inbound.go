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

// ErrBlocked is returned by Answer if the service's intercept URL answered 403. No
// interaction was created (code 80909).
var ErrBlocked = errors.New("80909: the intercept URL answered 403, the message was blocked")

// Answer lets a participant write to its proxy identifier. It returns the SID of
// the new interaction. The interaction's inbound half is the participant's. The
// outbound half goes to the partner, if the session has one. An error says why the
// message was not accepted. In a closed session, the service's out-of-session URL
// is called.
func (f *Fake) Answer(ctx context.Context, participantSid, body string) (string, error) {
	if body == "" || !utf8.ValidString(body) {
		return "", invalid("body", "It must be text, and not empty.")
	}
	if len(body) > maxBody {
		return "", invalid("body", fmt.Sprintf("It is longer than %d bytes.", maxBody))
	}
	f.mu.Lock()
	m, err := f.newInbound(participantSid, body)
	var hook webhook
	if err == nil {
		hook = webhook{m.session.service.InterceptCallbackUrl, f.callbackForm(m, m.Created)}
	} else if m != nil {
		hook = webhook{m.session.service.OutOfSessionCallbackUrl, f.messageForm(m)}
	}
	f.mu.Unlock()

	if loopbackURL(hook.url) {
		status, callErr := f.postWebhook(ctx, hook)
		if err == nil && callErr == nil && status == http.StatusForbidden {
			return "", ErrBlocked
		}
	}
	if err != nil {
		return "", err
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	// The session may have changed during the call of the intercept URL.
	if err := f.routeInbound(m, f.clock.now()); err != nil {
		return "", err
	}
	m.Seq = f.world.next() // messages are ordered by the time at which the intercept URL agreed
	f.addMessage(m.session, m, m.Created)
	return m.Sid, nil
}

// newInbound creates the message that a participant writes. If the out-of-session
// URL must be called because of the error, it returns both the message and the
// error.
func (f *Fake) newInbound(participantSid, body string) (*message, error) {
	p := f.world.participants[participantSid]
	if p == nil || !p.Deleted.IsZero() {
		return nil, refuse(404, 80903, "Unknown Participant")
	}
	now := f.clock.now()
	m := &message{Body: body, Inbound: p.Sid, session: p.session}
	m.record = f.newRecord("KI", &call{now: now})
	return m, f.routeInbound(m, now)
}

// routeInbound checks that a participant's message is acceptable now, and sets who
// receives it.
func (f *Fake) routeInbound(m *message, now time.Time) error {
	p := f.world.participants[m.Inbound]
	if p == nil || p.session != m.session || !p.Deleted.IsZero() {
		return refuse(404, 80903, "Unknown Participant")
	}
	f.expireIfDue(p.session, now)
	if err := p.session.checkTakesMessages(); err != nil {
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

// messageForm returns the parameters for an out-of-session URL. They are some of
// Messaging's webhook parameters; Twilio does not document which ones Proxy sends.
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
