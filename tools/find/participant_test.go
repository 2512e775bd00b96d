package find

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio/fake"
)

func withService(name string) func(*Config, *tools.Tools) {
	return func(c *Config, _ *tools.Tools) { c.Service = name }
}

func gone() fake.Fault {
	return fake.Fault{Effect: fake.EffectStatus, Status: 404, Code: 20404, Times: 1000}
}

func TestAnExactNameTakesThreeRequests(t *testing.T) {
	for _, c := range []struct {
		name, service string
		arguments     record
		gets          int
	}{
		{"the only Service", "", record{}, 3},
		{"a Service by name", "", record{"Service": "shop"}, 3},
		{"a Service by SID", "", record{"Service": fake.ServiceSid}, 2},
		{"--service by name", "shop", record{}, 3},
		{"--service by SID", fake.ServiceSid, record{}, 2},
		{"null counts as absent", "", record{"Service": nil}, 3},
		{"all by SIDs", "", record{"Service": fake.ServiceSid, "Session": session + " ", "Participant": " " + dora}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newWorld(t, shop(order1234(), order("Order #1235", nil, participant("Ed (driver)", nil))))
			b := newFinding(t, f, withService(c.service))
			arguments := record{"Session": "Order #1234", "Participant": "driver"}
			for name, value := range c.arguments {
				arguments[name] = value
			}
			got := b.find(arguments)
			require.Equal(t, "one", got.Found.Match, got.Text)
			require.Len(t, got.Found.Candidates, 1)
			encoded, err := json.Marshal(got.Found.Candidates[0])
			require.NoError(t, err)
			require.JSONEq(t, `{"ServiceSid":"`+fake.ServiceSid+`","SessionSid":"`+session+`","ParticipantSid":"`+dora+`","unique_name":"Order #1234",
				"status":"open","mode":"voice-and-message","date_last_interaction":null,"friendly_name":"Dora (driver)","identifier":"…0001","sendable":true,"why_not":null}`, string(encoded))
			require.True(t, got.Found.Searched.Complete)
			require.Equal(t, 1, got.Found.Searched.Sessions)
			require.Empty(t, got.Notice)
			require.Len(t, f.Requests(), c.gets, requested(f))
			require.Equal(t, tools.Outcome{Code: tools.CodeOK}, got.Outcome)
		})
	}
}

func TestASentencesWordsFindTheSession(t *testing.T) {
	f := newWorld(t, shop(order1234(), order("Order #12345", nil, participant("Ed (driver)", nil)), order("Order #123", nil, participant("Fay (driver)", nil)), order("", nil, participant("Gus (driver)", nil))))
	b := newFinding(t, f, nil)
	for _, name := range []string{"order 1234", "ORDER-1234", "order1234", "1234"} {
		got := b.find(record{"Session": name, "Participant": "the driver ending in 0001"})
		require.Equal(t, "one", got.Found.Match, "%s: %s", name, got.Text)
		require.Equal(t, dora, got.Found.Candidates[0].ParticipantSid.String())
		require.Equal(t, Searched{Sessions: 4, Pages: 3, Complete: true}, got.Found.Searched) // of services, sessions and participants
		require.Empty(t, got.Notice)
	}
	got := b.find(record{"Session": "the order 1234", "Participant": "my driver"})
	require.Equal(t, "one", got.Found.Match)
	require.Equal(t, dora, got.Found.Candidates[0].ParticipantSid.String())
	got = b.find(record{"Session": "the order 1234", "Participant": "our customer Carl"})
	require.Equal(t, "several", got.Found.Match, "the name is not quite that")
	require.Equal(t, []string{"Carl"}, got.names())
	require.Contains(t, got.Notice, "not quite those that were asked for")
	require.Contains(t, got.Notice, "Ask the user")
}

// An API that takes SIDs alone, with each answer that it could have.
func TestANameThatCannotBeFetchedIsLookedFor(t *testing.T) {
	for _, refusal := range []fake.Fault{gone(),
		{Effect: fake.EffectStatus, Status: 400, Code: 80409, Times: 9},
		{Effect: fake.EffectStatus, Status: 403, Code: 80610, Times: 9},
		{Effect: fake.EffectHTML, Status: 403, Times: 9},
	} {
		f := newWorld(t, shop(order("Order #1234 (old)", nil, participant("Old driver", nil)), order1234()))
		b := newFinding(t, f, nil)
		for _, operation := range []string{"FetchService", "FetchSession"} {
			refusal.Operation = operation
			require.NoError(t, f.Arm(refusal))
		}
		for _, name := range []string{"order 1234", "Order #1234"} {
			got := b.find(record{"Session": name, "Participant": "driver", "Service": "Shop"})
			require.Equal(t, "one", got.Found.Match, got.Text)
			require.Equal(t, dora, got.Found.Candidates[0].ParticipantSid.String())
			require.True(t, got.Found.Searched.Complete)
		}
	}
}

// What answers is not what was asked for.
func TestAnAnswerAboutAnotherSessionIsNoMatch(t *testing.T) {
	f := newWorld(t, shop(order1234(), order("Order #99", nil, participant("Ed", nil))))
	for _, change := range []struct{ old, new string }{
		{`"unique_name":"Order #1234"`, `"unique_name":"Order #99"`},
		{`"service_sid":"` + fake.ServiceSid, `"service_sid":"KS` + strings.Repeat("f", 32)},
		{`"sid":"` + session, `"sid":null,"x":"`},
	} {
		b := newFinding(t, rewritten(f, func(r *http.Request, body string) string {
			if strings.Contains(r.URL.Path, "/Sessions") {
				return strings.ReplaceAll(body, change.old, change.new)
			}
			return body
		}), nil)
		for _, name := range []string{"Order #1234", session} {
			got := b.find(record{"Session": name, "Participant": "driver"})
			require.False(t, got.IsError, got.Text)
			if name == session && strings.Contains(change.old, "unique_name") {
				require.Equal(t, "one", got.Found.Match) // the SID is what was asked for
				continue
			}
			require.Equal(t, "none", got.Found.Match, "%s %s", name, got.Text)
			require.Empty(t, got.Found.Candidates)
			require.Contains(t, got.Notice, map[bool]string{true: "no Session with this SID", false: "list_sessions"}[name == session])
		}
	}
}

func TestSeveralAreNeverResolved(t *testing.T) {
	f := newWorld(t, shop(
		order("Order #1234", nil, participant("Dora (driver)", record{"identifier": "+15550100001"}), participant("Ed (driver)", record{"identifier": "+15550100002"})),
		order("Tour 7", nil, participant("Fay", nil)), order("tour-7", record{"status": "closed"}, participant("Fay", nil))))
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "Order #1234", "Participant": "driver"})
	require.Equal(t, "several", got.Found.Match)
	require.ElementsMatch(t, []string{"Dora (driver)", "Ed (driver)"}, got.names())
	require.True(t, got.Found.Searched.Complete)
	require.Contains(t, got.Notice, "Ask the user who is meant; do not choose yourself.")

	got = b.find(record{"Session": "Order #1234"}) // everybody
	require.Equal(t, "several", got.Found.Match)
	require.Len(t, got.Found.Candidates, 2)

	got = b.find(record{"Session": "Order #1234", "Participant": "0002"})
	require.Equal(t, "one", got.Found.Match)
	require.Equal(t, []string{"Ed (driver)"}, got.names())

	got = b.find(record{"Session": "TOUR 7", "Participant": "fay"}) // one of the two cannot be texted, and yet may be meant
	require.Equal(t, "several", got.Found.Match)
	require.Equal(t, []bool{true, false}, []bool{got.Found.Candidates[0].Sendable, got.Found.Candidates[1].Sendable})
}

func TestWhatNamesNothingIsRefusedUnread(t *testing.T) {
	f := newWorld(t, shop(order1234()))
	b := newFinding(t, f, nil)
	for _, arguments := range []record{{"Session": ""}, {"Session": " \t "}, {}, {"Session": nil}, {"Session": strings.Repeat("é", 192)},
		{"Session": "a", "Participant": strings.Repeat("é", 256)}, {"Session": "a", "Service": strings.Repeat("é", 192)}, {"Session": "a", "Number": "b"}} {
		got := b.find(arguments)
		require.True(t, got.IsError)
		require.Equal(t, tools.CodeInvalidArguments, got.Outcome.Code, got.Text)
	}
	require.Empty(t, f.Requests())
	got := b.find(record{"Session": "order 1234", "Participant": "", "Service": ""}) // as if they were not given
	require.Len(t, got.Found.Candidates, 2)
	require.Equal(t, "none", b.find(record{"Session": strings.Repeat("é", 191), "Participant": strings.Repeat("é", 255)}).Found.Match)
}

func TestAtMostFiveAreShown(t *testing.T) {
	var sessions []record
	for i := range 12 {
		more := record{"date_last_interaction": fmt.Sprintf("2026-01-%02dT00:00:00Z", 1+i*5%12)}
		if i%2 == 0 {
			more["status"] = "closed"
		}
		sessions = append(sessions, order(fmt.Sprintf("Tour %d, Berlin", i), more, participant("Dora", nil)))
	}
	f := newWorld(t, shop(sessions...))
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "Berlin", "Participant": "Dora"})
	require.Equal(t, "several", got.Found.Match)
	var days []string
	for _, c := range got.Found.Candidates {
		require.True(t, c.Sendable)
		days = append(days, (*c.DateLastInteraction)[8:10])
	}
	require.Len(t, days, 5)
	require.True(t, slices.IsSortedFunc(days, func(a, b string) int { return strings.Compare(b, a) }), days)
	require.Contains(t, got.Notice, "12 people fit. Here are 5 of them")

	asked := requested(f)["ListParticipant"]
	got = b.find(record{"Session": "Berlin"}) // anybody: nobody has to be told from others
	require.Equal(t, "several", got.Found.Match)
	var again []string
	for _, c := range got.Found.Candidates {
		again = append(again, (*c.DateLastInteraction)[8:10])
	}
	require.Equal(t, days, again)
	require.Contains(t, got.Notice, "12 Sessions fit. Here are 5 of the people in them")
	require.Equal(t, 6, requested(f)["ListParticipant"]-asked)
}

func TestNoneSaysWhatWasComparedAndHowToGoOn(t *testing.T) {
	f := newWorld(t, shop(order1234(), order("Empty", nil)))
	b := newFinding(t, f, nil)
	other := "KC" + strings.Repeat("f", 32)
	for _, c := range []struct {
		arguments record
		words     []string
	}{
		{record{"Session": "order 99", "Participant": "driver"}, []string{"were compared (2)", fake.ServiceSid, "list_sessions"}},
		{record{"Session": "order 123", "Participant": "driver"}, []string{"were compared (2)"}},
		{record{"Session": "order 1234", "Participant": "waiter"}, []string{"1 found by the name", "last four digits", "without Participant"}},
		{record{"Session": "Empty"}, []string{"nobody in the Sessions"}},
		{record{"Session": other}, []string{"no Session with this SID"}},
		{record{"Session": "Empty", "Participant": dora}, []string{"nobody in there fits: SIDs,"}}, // in another Session
		{record{"Session": "Empty", "Participant": "KP" + strings.Repeat("f", 32)}, []string{"nobody in there fits: SIDs,"}},
		{record{"Session": "#", "Participant": "driver"}, []string{"unique names"}},
		{record{"Session": ".."}, []string{"unique names"}},
	} {
		got := b.find(c.arguments)
		require.False(t, got.IsError, got.Text)
		require.Equal(t, "none", got.Found.Match, c.arguments)
		require.NotNil(t, got.Found.Candidates)
		require.Empty(t, got.Found.Candidates)
		require.True(t, got.Found.Searched.Complete)
		for _, words := range c.words {
			require.Contains(t, got.Notice, words)
		}
	}
	for _, r := range f.Requests() {
		require.Regexp(t, regexp.MustCompile(`^/v1/Services(/KS[0-9a-f]{32}/Sessions(/[^/?]+(/Participants(/KP[0-9a-f]{32})?)?)?)?(\?|$)`), r.URL)
	}
}

func TestACancelledCall(t *testing.T) {
	for _, page := range []string{"", "1"} {
		f := newWorld(t, many(150, "Order #%d"))
		ctx, cancel := context.WithCancel(t.Context())
		b := newFinding(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isList(r, "Sessions") && r.URL.Query().Get("Page") == page {
				cancel()
				<-r.Context().Done()
				return
			}
			f.ServeHTTP(w, r)
		}), nil)
		got := b.findIn(ctx, record{"Session": "order 1234"})
		require.True(t, got.IsError, got.Text)
		require.Equal(t, tools.CodeTryLater, got.Outcome.Code)
		require.Contains(t, got.Text, "cancelled")
	}
}

// What the model must not miss stands in the description.
func TestTheDescriptionLeads(t *testing.T) {
	description := New(Config{}).FindParticipant().Description
	for _, words := range []string{"Use it first", "match one: send", "several:", "never choose yourself", "sendable is false, do not send"} {
		require.Contains(t, description, words)
	}
}
