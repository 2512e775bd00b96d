package fake

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// callbackTimeout bounds one call of a service's URLs. Some tests use a shorter
// one.
const callbackTimeout = 5 * time.Second

// callbacks are sent one after another, in order, by a goroutine that runs only
// while some are waiting.
type callbacks struct {
	timeout time.Duration // bounds one call
	waiting []webhook
	bytes   int // what those that wait take, by size
	running bool
	done    sync.WaitGroup
}

type webhook struct {
	url  string
	form url.Values
}

// callback tells the service's CallbackUrl about a message. The caller holds the
// lock.
func (f *Fake) callback(m *message, now time.Time) {
	target := m.session.service.CallbackUrl
	if !loopbackURL(target) {
		return
	}
	f.callbacks.wait(webhook{target, f.callbackForm(m, now)}, f.config.KeepBytes/2)
	if !f.callbacks.running {
		f.callbacks.running = true
		f.callbacks.done.Add(1)
		go f.runCallbacks()
	}
}

// wait adds a callback. If they take more than keepBytes, the oldest go: the
// service's URL is slower than the messages.
func (c *callbacks) wait(hook webhook, keepBytes int) {
	c.waiting = append(c.waiting, hook)
	for c.bytes += hook.size(); c.bytes > keepBytes && len(c.waiting) > 1; {
		c.next()
	}
}

// next takes the oldest callback that waits.
func (c *callbacks) next() webhook {
	oldest := c.waiting[0]
	c.waiting[0] = webhook{}
	c.waiting = c.waiting[1:]
	c.bytes -= oldest.size()
	return oldest
}

// size is about what a callback takes, in bytes.
func (hook webhook) size() int {
	return callbackBytes + len(hook.url) + len(hook.form.Get("interactionData"))
}

func (f *Fake) runCallbacks() {
	defer f.callbacks.done.Done()
	for {
		f.mu.Lock()
		select {
		case <-f.closed:
			f.callbacks.waiting, f.callbacks.bytes = nil, 0
		default:
		}
		if len(f.callbacks.waiting) == 0 {
			f.callbacks.running = false
			f.mu.Unlock()
			return
		}
		next := f.callbacks.next()
		f.mu.Unlock()
		_, _ = f.postWebhook(context.Background(), next) // nobody needs the answer
	}
}

// callbackForm returns the parameters that Twilio's page on Proxy webhooks lists.
// errorCode is our addition, and only there for a failed message.
func (f *Fake) callbackForm(m *message, now time.Time) url.Values {
	h := m.sharedFields("", now)
	form := url.Values{}
	for name, value := range map[string]orNull{
		"interactionSid":         orNull(m.Sid),
		"interactionSessionSid":  orNull(m.session.Sid),
		"interactionServiceSid":  orNull(m.session.service.Sid),
		"interactionAccountSid":  orNull(f.account().Username),
		"interactionType":        "Message",
		"interactionData":        orNull(m.data()),
		"interactionDateCreated": orNull(time.Time(h.DateCreated).UTC().Format(time.RFC3339)),
		"interactionDateUpdated": orNull(time.Time(h.DateUpdated).UTC().Format(time.RFC3339)),
		"inboundParticipantSid":  h.InboundParticipantSid,
		"inboundResourceSid":     h.InboundResourceSid,
		"inboundResourceStatus":  h.InboundResourceStatus,
		"inboundResourceType":    orNull(strings.ToLower(string(h.InboundResourceType))),
		"outboundParticipantSid": h.OutboundParticipantSid,
		"outboundResourceSid":    h.OutboundResourceSid,
		"outboundResourceStatus": h.OutboundResourceStatus,
		"outboundResourceType":   orNull(strings.ToLower(string(h.OutboundResourceType))),
	} {
		if value != "" {
			form.Set(name, string(value))
		}
	}
	if code := m.Life.code(string(h.OutboundResourceStatus)); code != 0 {
		form.Set("errorCode", strconv.Itoa(code))
	}
	return form
}

// postWebhook posts a webhook and returns the status of the answer. It only calls
// loopback addresses, and follows no redirects.
func (f *Fake) postWebhook(ctx context.Context, hook webhook) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, f.callbacks.timeout)
	defer cancel()
	go func() {
		select {
		case <-f.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.url, strings.NewReader(hook.form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user := r.URL.User; user != nil {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
	r.Header.Set("X-Twilio-Signature", signature(f.account().Password, hook))
	dialer := net.Dialer{Control: onlyLoopback}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// signature returns Twilio's signature of a webhook: HMAC-SHA1 with the auth token
// as its key, over the URL and the sorted parameters, in base64 (Twilio's page on
// webhook security).
func signature(token string, hook webhook) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(hook.url))
	names := make([]string, 0, len(hook.form))
	for name := range hook.form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range hook.form[name] {
			mac.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func loopbackURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || s == "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

func onlyLoopback(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().IsLoopback() {
		return errors.New("the fake calls loopback addresses only")
	}
	return nil
}
