package find

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestWhoCannotBeTextedIsSaid(t *testing.T) {
	now := time.Now().UTC()
	past, future := now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339)
	for name, c := range map[string]struct {
		session, person record
		change          []string // old and new in the answers about the Session
		want            string
	}{
		"open":                 {want: ""},
		"in progress":          {session: record{"status": "in-progress"}, want: ""},
		"closed":               {session: record{"status": "closed"}, want: "closed"},
		"failed":               {session: record{"status": "failed"}, want: "failed"},
		"unknown":              {session: record{"status": "unknown"}, want: "status unknown"},
		"a new status":         {change: []string{`"status":"open"`, `"status":"paused"`}, want: "status unknown"},
		"no status":            {change: []string{`"status":"open"`, `"status":null`}, want: "status unknown"},
		"voice only":           {session: record{"mode": "voice-only"}, want: "voice only"},
		"message only":         {session: record{"mode": "message-only"}, want: ""},
		"a new mode":           {change: []string{`"mode":"voice-and-message"`, `"mode":"video"`}, want: ""},
		"expired and closed":   {session: record{"date_expiry": past}, want: "expired"},
		"not expired":          {session: record{"date_expiry": future, "ttl": 1, "date_created": past}, want: ""},
		"expired and open":     {change: []string{`"date_expiry":null`, `"date_expiry":"` + past + `"`}, want: "expired"},
		"past its ttl":         {session: record{"date_created": past}, change: []string{`"ttl":0`, `"ttl":3000`}, want: "expired"},
		"within its ttl":       {session: record{"date_created": past, "date_last_interaction": now.Add(-time.Minute).Format(time.RFC3339), "ttl": 3000}, want: ""},
		"a ttl without bounds": {change: []string{`"ttl":0`, `"ttl":9223372036854775807`}, want: ""},
		"no dates":             {change: []string{`"date_created":`, `"date_created":null,"x":`, `"date_started":`, `"date_started":null,"y":`, `"ttl":0`, `"ttl":1`}, want: ""},
		"an odd date":          {change: []string{`"date_expiry":null`, `"date_expiry":"tomorrow"`}, want: ""},
		"deleted":              {person: record{"date_deleted": past}, want: "deleted"},
		"deleted and closed":   {session: record{"status": "closed"}, person: record{"date_deleted": past}, want: "closed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newWorld(t, shop(order("Order #1234", c.session, participant("Dora", c.person))))
			b := newFinding(t, rewritten(f, func(r *http.Request, body string) string {
				for i := 0; i < len(c.change) && strings.HasSuffix(r.URL.EscapedPath(), "/Order%20%231234"); i += 2 {
					require.Contains(t, body, c.change[i])
					body = strings.Replace(body, c.change[i], c.change[i+1], 1)
				}
				return body
			}), nil)
			got := b.find(record{"Session": "Order #1234", "Participant": "Dora"})
			require.Equal(t, "one", got.Found.Match, got.Text)
			only := got.Found.Candidates[0]
			require.Equal(t, c.want == "", only.Sendable)
			require.Equal(t, c.want, textOf(only.WhyNot))
			if c.want != "" {
				require.Contains(t, got.Notice, "Do not send")
			} else {
				require.Nil(t, only.WhyNot)
			}
		})
	}
}

// Twilio's clock counts, and not this machine's.
func TestExpiryIsByTwiliosClock(t *testing.T) {
	f := newWorld(t, shop(order("Order #1234", record{"date_expiry": "2030-01-01T12:00:00Z"}, participant("Dora", nil))))
	b := newFinding(t, rewritten(f, func(_ *http.Request, body string) string { // it shows what it would show before it noticed
		return strings.ReplaceAll(strings.ReplaceAll(body, `"status":"closed"`, `"status":"open"`), `"closed_reason":"expired"`, `"closed_reason":""`)
	}), nil)
	for at, sendable := range map[string]bool{"2030-01-01T11:59:59Z": true, "2030-01-01T12:00:00Z": false} {
		now, _ := time.Parse(time.RFC3339, at)
		f.SetClock(now)
		require.Equal(t, sendable, b.find(record{"Session": "Order #1234"}).Found.Candidates[0].Sendable, at)
	}
}

func TestTheDeletedAreLeftOutBesideTheLiving(t *testing.T) {
	past := time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)
	deleted := record{"date_deleted": past}
	f := newWorld(t, shop(
		order("Order #1", nil, participant("Dora", deleted), participant("Dora", nil)),
		order("Order #2", nil, participant("Dora", deleted), participant("Dora", deleted)),
		order("Order #3", nil, participant("Dora", deleted), participant("Dora B", nil)),
		order("Order #4", nil, participant("Dora B", nil), participant("Dora", nil)),
		order("Tour 1", nil, participant("Ed", nil)),
		order("Tour 2", record{"date_last_interaction": past}, participant("Ed", deleted))))
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "Order #1", "Participant": "Dora"})
	require.Equal(t, "one", got.Found.Match)
	require.True(t, got.Found.Candidates[0].Sendable)
	got = b.find(record{"Session": "Order #2", "Participant": "Dora"})
	require.Equal(t, "several", got.Found.Match)
	require.Equal(t, "deleted", *got.Found.Candidates[1].WhyNot)
	got = b.find(record{"Session": "Order #3", "Participant": "Dora"}) // the better name counts
	require.Equal(t, "one", got.Found.Match)
	require.False(t, got.Found.Candidates[0].Sendable)
	got = b.find(record{"Session": "Order #3"})
	require.Equal(t, []string{"Dora B"}, got.names())
	got = b.find(record{"Session": "Order #4", "Participant": "Dora"}) // in whichever order they are listed
	require.Equal(t, []string{"Dora"}, got.names())
	got = b.find(record{"Session": "Tour", "Participant": "Ed"}) // nobody can be texted in the newer one
	require.Equal(t, []bool{true, false}, []bool{got.Found.Candidates[0].Sendable, got.Found.Candidates[1].Sendable})
}

// Lists move while they are read: what is on two pages counts once.
func TestWhatIsListedTwiceCountsOnce(t *testing.T) {
	f := newWorld(t, shop(order1234(), order("Order #99", nil, participant("Ed", nil))))
	b := newFinding(t, rewritten(f, func(r *http.Request, body string) string {
		for list, key := range map[string]string{"Sessions": "sessions", "Participants": "participants", "Services": "services"} {
			if isList(r, list) {
				var page map[string]any
				require.NoError(t, json.Unmarshal([]byte(body), &page))
				page[key] = append(page[key].([]any), page[key].([]any)...)
				encoded, _ := json.Marshal(page)
				return string(encoded)
			}
		}
		return body
	}), nil)
	got := b.find(record{"Session": "order 1234", "Participant": "driver", "Service": "SHOP"})
	require.Equal(t, "one", got.Found.Match, got.Text)
	require.Len(t, got.Found.Candidates, 1)
	require.Len(t, b.find(record{"Session": "Order #1234"}).Found.Candidates, 2)
	require.Equal(t, 2, requested(f)["ListParticipant"]) // one for each call
}

func TestEveryFieldMayBeNull(t *testing.T) {
	f := newWorld(t, shop(order1234()))
	null := regexp.MustCompile(`"(account_sid|unique_name|status|closed_reason|mode|ttl|date_[a-z_]+|friendly_name|identifier|proxy_[a-z_]+|service_sid|session_sid|links|url)":("[^"]*"|[0-9]+|\{[^}]*\}|null)`)
	b := newFinding(t, rewritten(f, func(_ *http.Request, body string) string { return null.ReplaceAllString(body, `"$1":null`) }), nil)
	got := b.find(record{"Session": session})
	require.Equal(t, "several", got.Found.Match, got.Text)
	for _, c := range got.Found.Candidates {
		require.Equal(t, []string{fake.ServiceSid, session, "status unknown"}, []string{c.ServiceSid.String(), c.SessionSid.String(), *c.WhyNot})
		require.Equal(t, []*string{nil, nil, nil, nil, nil, nil}, []*string{c.UniqueName, c.Status, c.Mode, c.DateLastInteraction, c.FriendlyName, c.Identifier})
	}
	require.Equal(t, "one", b.find(record{"Session": session, "Participant": dora}).Found.Match)
	require.Equal(t, "none", b.find(record{"Session": "order 1234"}).Found.Match)
	require.Equal(t, "none", b.find(record{"Session": session, "Participant": "driver"}).Found.Match)

	nothing := regexp.MustCompile(`"(sid)":"[^"]*"`) // then there is nothing that could be texted
	b = newFinding(t, rewritten(f, func(_ *http.Request, body string) string { return nothing.ReplaceAllString(body, `"$1":null`) }), withService(fake.ServiceSid))
	require.Equal(t, "none", b.find(record{"Session": "order 1234"}).Found.Match)
}
