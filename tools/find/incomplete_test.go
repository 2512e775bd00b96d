package find

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio/fake"
)

// many is a Service with n Sessions, which are numbered from 0, the first in the list being the last.
func many(n int, name string) record {
	var sessions []record
	for i := range n {
		sessions = append(sessions, order(fmt.Sprintf(name, i), nil))
	}
	return shop(sessions...)
}

func withDora(service record, at int) record {
	sessions := service["sessions"].([]record)
	sessions[at]["participants"] = []record{participant("Dora (driver)", record{"sid": dora})}
	return service
}

// requireIncomplete is about an answer that must not read as if all had been read.
func requireIncomplete(t *testing.T, got answer, match string) {
	t.Helper()
	require.False(t, got.IsError, got.Text)
	require.Equal(t, match, got.Found.Match, got.Text)
	require.False(t, got.Found.Searched.Complete)
	require.Contains(t, got.Notice, "Not everything was read.")
	if match == "none" {
		require.Contains(t, got.Notice, "does not mean that there is none")
	} else {
		require.Contains(t, got.Notice, "Others may fit as well.")
	}
}

func TestAListThatEndsEarlyIsNotComplete(t *testing.T) {
	onPage := func(f *fake.Fake, page string, broken http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isList(r, "Sessions") && r.URL.Query().Get("Page") == page {
				broken(w, r)
				return
			}
			f.ServeHTTP(w, r)
		})
	}
	for name, c := range map[string]struct {
		upstream func(f *fake.Fake) http.Handler
		words    string
	}{
		"500 on the third page": {func(f *fake.Fake) http.Handler {
			return onPage(f, "2", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		}, "did not give the next page"},
		"a third page that is none": {func(f *fake.Fake) http.Handler {
			return onPage(f, "2", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"sessions":null}`) })
		}, "did not give the next page"},
		"a third page at another host": {func(f *fake.Fake) http.Handler {
			return rewritten(f, func(r *http.Request, body string) string {
				if isList(r, "Sessions") && r.URL.Query().Get("Page") == "1" {
					return strings.Replace(body, `"next_page_url":"http://`, `"next_page_url":"http://elsewhere.`, 1)
				}
				return body
			})
		}, "leads to another address"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newWorld(t, withDora(many(250, "Order #%d"), 150))
			b := newFinding(t, c.upstream(f), nil)
			got := b.find(record{"Session": "order 150", "Participant": "driver"})
			requireIncomplete(t, got, "several")
			require.Contains(t, got.Notice, c.words)
			require.Equal(t, []string{"Dora (driver)"}, got.names())
			require.Equal(t, 200, got.Found.Searched.Sessions)
			requireIncomplete(t, b.find(record{"Session": "order 7", "Participant": "driver"}), "none")
			requireIncomplete(t, b.find(record{"Session": "order 150", "Participant": "waiter"}), "none")
			// An exact name needs no list, and one that is met in it needs no more of it.
			require.Equal(t, "one", b.find(record{"Session": "Order #150", "Participant": "driver"}).Found.Match)
			require.NoError(t, f.Arm(fake.Fault{Operation: "FetchSession", Effect: fake.EffectStatus, Status: 404, Code: 20404}))
			require.Equal(t, "one", b.find(record{"Session": "Order #150", "Participant": "driver"}).Found.Match)
		})
	}
}

func TestParticipantsThatAreNotAllReadAreNotComplete(t *testing.T) {
	f := newWorld(t, shop(order1234(), order("Order #1234 (b)", nil, participant("Ed (driver)", nil)), order("Order #1234 (c)", nil, participant("Fay (driver)", nil))))
	b := newFinding(t, rewritten(f, func(r *http.Request, body string) string {
		if isList(r, "Participants") {
			return strings.Replace(body, `"next_page_url":null`, `"next_page_url":"https://elsewhere.example/"`, 1)
		}
		return body
	}), nil)
	got := b.find(record{"Session": "Order #1234", "Participant": "driver"})
	requireIncomplete(t, got, "several")
	require.Len(t, got.Found.Candidates, 1)

	b = newFinding(t, f, nil)
	broken := fake.Fault{Operation: "ListParticipant", Effect: fake.EffectStatus, Status: 500}
	require.NoError(t, f.Arm(fake.Fault{Operation: "ListParticipant", Effect: fake.EffectDelay}, broken)) // the second
	got = b.find(record{"Session": "1234 b", "Participant": "driver"})
	require.Equal(t, "one", got.Found.Match, got.Text)
	got = b.find(record{"Session": "1234 c", "Participant": "driver"}) // the only one that fits
	require.True(t, got.IsError)
	require.Equal(t, tools.CodeTryLater, got.Outcome.Code)
	require.NoError(t, f.Arm(fake.Fault{Operation: "FetchSession", Effect: fake.EffectStatus, Status: 404, Code: 20404}, fake.Fault{Operation: "ListParticipant", Effect: fake.EffectDelay}, broken))
	got = b.find(record{"Session": "1234", "Participant": "driver"})
	requireIncomplete(t, got, "several")
	require.Len(t, got.Found.Candidates, 1)
	require.Contains(t, got.Notice, "Not all of the Sessions that fit were looked into.")
	require.NoError(t, f.Arm(fake.Fault{Operation: "ListParticipant", Effect: fake.EffectStatus, Status: 404, Code: 20404}))
	got = b.find(record{"Session": "1234", "Participant": "driver"}) // one was deleted meanwhile
	require.True(t, got.Found.Searched.Complete)
	require.Len(t, got.Found.Candidates, 2)
}

// The rate leaves turns for a part of the list alone, or the time does.
func TestAScanThatHasNoTimeIsNotComplete(t *testing.T) {
	t.Parallel()
	f := newWorld(t, withDora(many(1000, "Order #%d"), 950))
	b := newFinding(t, f, func(c *Config, all *tools.Tools) { c.Client.RateLimit, all.Deadline = 1, 3*time.Second }) // five turns
	got := b.find(record{"Session": "order 950", "Participant": "driver"})
	requireIncomplete(t, got, "several")
	require.Equal(t, []string{"Dora (driver)"}, got.names())
	require.Equal(t, 500, got.Found.Searched.Sessions)
	require.Contains(t, got.Notice, "no time")

	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isList(r, "Sessions") && r.URL.Query().Get("Page") == "1" {
			<-r.Context().Done()
			return
		}
		f.ServeHTTP(w, r)
	})
	b = newFinding(t, slow, func(_ *Config, all *tools.Tools) { all.Deadline = 2 * time.Second })
	requireIncomplete(t, b.find(record{"Session": "order 950", "Participant": "driver"}), "several")
}

// 150 pages are read and no more, and what was found in them is looked into.
func TestAScanIsBounded(t *testing.T) {
	f := fake.New(fake.Config{MaxPageSize: 4, KeepRequests: 10_000})
	t.Cleanup(func() { f.Close() })
	seed(t, f, withDora(many(700, "Order #%d"), 150))
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "order 150", "Participant": "driver"})
	requireIncomplete(t, got, "several")
	require.Contains(t, got.Notice, "150 pages")
	require.Equal(t, []string{"Dora (driver)"}, got.names())
	counts := requested(f)
	require.LessOrEqual(t, counts["ListSession"]+counts["ListService"], maxPages)
	requireIncomplete(t, b.find(record{"Session": "order 3", "Participant": "driver"}), "none")
}

// Of Sessions that fit, only so many are kept and looked into. A better fit lets go of them.
func TestOnlySoManySessionsAreKept(t *testing.T) {
	service := many(400, "Order #%d Berlin")
	sessions := service["sessions"].([]record)
	sessions[0] = order("berlin", nil, participant("Dora", nil)) // the last in the list
	f := newWorld(t, service)
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "Berlin", "Participant": "Dora"})
	require.Equal(t, "one", got.Found.Match)
	require.Equal(t, 1, requested(f)["ListParticipant"])
	got = b.find(record{"Session": "order", "Participant": "Dora"})
	requireIncomplete(t, got, "none")
	require.Contains(t, got.Notice, "More than 150 Sessions fit")
	require.Equal(t, 1+maxPages-5, requested(f)["ListParticipant"]) // after one page of Services and four of Sessions
}

// What is kept of a scan does not grow with what is read, nor with what fits.
func TestMemoryIsFlat(t *testing.T) {
	long := strings.Repeat("x", 250)
	pages := 0
	var before, after runtime.MemStats
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case isList(r, "Participants"):
			fmt.Fprint(w, `{"participants":[],"meta":{}}`)
		case !isList(r, "Sessions"):
			w.WriteHeader(404)
			fmt.Fprint(w, `{"code":20404,"message":"not found","status":404}`)
		default:
			if pages++; pages == 20 || pages == 140 {
				runtime.GC()
				runtime.ReadMemStats(map[bool]*runtime.MemStats{true: &before, false: &after}[pages == 20])
			}
			records := make([]string, 0, 100)
			for i := range 100 {
				records = append(records, fmt.Sprintf(`{"sid":"KC%032x","unique_name":"order %d %s","status":"%s"}`, pages*100+i, pages*100+i, long, long))
			}
			fmt.Fprintf(w, `{"sessions":[%s],"meta":{"next_page_url":"http://%s%s?Page=%d"}}`, strings.Join(records, ","), r.Host, r.URL.EscapedPath(), pages)
		}
	})
	b := newFinding(t, upstream, withService(fake.ServiceSid))
	got := b.find(record{"Session": "order"})
	requireIncomplete(t, got, "none")
	require.Equal(t, (maxPages-pagesForPeople)*pageSize, got.Found.Searched.Sessions)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(4<<20))
}

// So many people fit that they are not all kept.
func TestOnlySoManyPeopleAreKept(t *testing.T) {
	pages := 0
	b := newFinding(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !isList(r, "Participants") {
			fmt.Fprintf(w, `{"sid":"%s","unique_name":"Tour","status":"open"}`, session)
			return
		}
		pages++
		people := make([]string, 0, 100)
		for i := range 100 {
			people = append(people, fmt.Sprintf(`{"sid":"KP%032x","friendly_name":"Dora"}`, pages*100+i))
		}
		fmt.Fprintf(w, `{"participants":[%s],"meta":{"next_page_url":"http://%s%s?Page=%d"}}`, strings.Join(people, ","), r.Host, r.URL.EscapedPath(), pages)
	}), withService(fake.ServiceSid))
	got := b.find(record{"Session": "Tour", "Participant": "Dora"})
	requireIncomplete(t, got, "several")
	require.Contains(t, got.Notice, "1000 people fit. Here are 5 of them")
	require.Len(t, got.Found.Candidates, 5)
	require.Equal(t, maxPages, got.Found.Searched.Pages)
}

func TestARefusalIsSaidWithAdvice(t *testing.T) {
	f := newWorld(t, shop(order1234()))
	for _, c := range []struct {
		operation string
		fault     fake.Fault
		code      tools.Code
		words     string
	}{
		{"ListService", fake.Fault{Status: 401, Code: 20003}, tools.CodeRefused, "credentials"},
		{"FetchSession", fake.Fault{Status: 401, Code: 20003}, tools.CodeRefused, "credentials"},
		{"ListSession", fake.Fault{Status: 401, Code: 20003}, tools.CodeRefused, "credentials"},
		{"ListParticipant", fake.Fault{Status: 401, Code: 20003}, tools.CodeRefused, "credentials"},
		{"FetchSession", fake.Fault{Status: 500}, tools.CodeTryLater, "again later"},
		{"ListSession", fake.Fault{Status: 503}, tools.CodeTryLater, "again later"},
		{"ListSession", fake.Fault{Status: 403, Code: 20008}, tools.CodeRefused, "test credentials"},
		{"ListSession", fake.Fault{Status: 302}, tools.CodeRefused, "redirect"},
		{"ListSession", fake.Fault{Status: 404, Code: 20404}, tools.CodeRefused, "There is no Service " + fake.ServiceSid},
	} {
		require.NoError(t, f.SetFaults())
		c.fault.Operation, c.fault.Effect, c.fault.Times = c.operation, fake.EffectStatus, 9
		require.NoError(t, f.Arm(c.fault))
		b := newFinding(t, f, nil)
		got := b.find(record{"Session": "order 1234", "Participant": "driver"})
		require.True(t, got.IsError, got.Text)
		require.Equal(t, c.code, got.Outcome.Code, got.Text)
		require.Equal(t, c.fault.Status, got.Outcome.HTTPStatus)
		require.Contains(t, got.Text, c.words)
		require.NotContains(t, got.Text, "sent")
		require.Contains(t, b.log.String(), fmt.Sprint("http_status=", c.fault.Status))
	}
}

// Somebody in between who knows nothing of Sessions does not say that there is none.
func TestAForeign404IsNoAnswer(t *testing.T) {
	b := newFinding(t, http.NotFoundHandler(), withService(fake.ServiceSid))
	for _, name := range []string{session, "order 1234"} {
		got := b.find(record{"Session": name})
		require.True(t, got.IsError, got.Text)
		require.Contains(t, got.Text, "proxy or firewall")
		require.NotContains(t, got.Text, "There is no Service")
	}
}

func TestACallThatEndsBeforeItsFirstAnswer(t *testing.T) {
	b := newFinding(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), func(_ *Config, all *tools.Tools) { all.Deadline = 100 * time.Millisecond })
	got := b.find(record{"Session": "order 1234"})
	require.Equal(t, tools.CodeTryLater, got.Outcome.Code)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got = b.findIn(ctx, record{"Session": "order 1234"})
	require.Contains(t, got.Text, "cancelled")
}
