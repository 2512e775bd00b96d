package find

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// How a name is written does not choose between the Sessions that fit.
func TestAPersonsNameChoosesNoSession(t *testing.T) {
	f := newWorld(t, shop(
		order("Order 12 (Berlin)", nil, participant("Dora (driver)", nil), participant("Carl", nil)),
		order("Order 12 (Paris)", nil, participant("Driver", nil), participant("Driver's boss", nil)),
		order("Order 12 (Rome)", nil, participant("Dora", nil))))
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "order 12", "Participant": "driver"})
	require.Equal(t, "several", got.Found.Match, got.Text)
	require.ElementsMatch(t, []string{"Dora (driver)", "Driver"}, got.names()) // within one Session, a whole name beats a part
	got = b.find(record{"Session": "order 12", "Participant": "Our Carl"})
	require.Equal(t, []string{"Carl"}, got.names())
	require.Equal(t, "one", got.Found.Match)
	f = newWorld(t, shop(order("Order 12 (Berlin)", nil, participant("Carl", nil)), order("Order 12 (Paris)", nil, participant("Uncle Carl", nil))))
	got = newFinding(t, f, nil).find(record{"Session": "order 12", "Participant": "uncle carl"}) // the other fits only loosely
	require.Equal(t, "one", got.Found.Match)
	require.Equal(t, []string{"Uncle Carl"}, got.names())
	require.Empty(t, got.Notice)
}

func TestANumberOfSomethingElseHasToBeConfirmed(t *testing.T) {
	f := newWorld(t, shop(order("Order 12, gate 7", nil, participant("Dora (driver)", nil))))
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "order 7", "Participant": "driver"})
	require.Equal(t, "several", got.Found.Match)
	require.Equal(t, []string{"Dora (driver)"}, got.names())
	require.Contains(t, got.Notice, "a number may belong to something else")
	require.Empty(t, b.find(record{"Session": "gate 7", "Participant": "driver"}).Notice)
}

// The bound is that of the whole call, whatever it looks for.
func TestOneCallReadsAtMostSoManyPages(t *testing.T) {
	service := many(400, "Order #%d Berlin")
	for _, one := range service["sessions"].([]record) {
		one["participants"] = []record{participant("Dora", nil)}
	}
	f := fake.New(fake.Config{MaxPageSize: 4, KeepRequests: 10_000})
	t.Cleanup(func() { f.Close() })
	seed(t, f, service)
	for _, arguments := range []record{{"Session": "Berlin", "Participant": "Dora"}, {"Session": "Berlin", "Participant": "KP" + strings.Repeat("f", 32)}} {
		before := len(f.Requests())
		got := newFinding(t, f, nil).find(arguments)
		require.False(t, got.Found.Searched.Complete)
		counts := len(f.Requests()) - before
		require.LessOrEqual(t, counts, maxPages+1) // and the one for the exact name
		require.LessOrEqual(t, got.Found.Searched.Pages, maxPages)
	}
}

// Nobody else has this SID.
func TestNobodyElseIsLookedForThanAParticipantWithThisSID(t *testing.T) {
	f := newWorld(t, shop(order("Tour 1", nil), order("Tour 2", nil, participant("Dora", record{"sid": dora})), order("Tour 3", nil)))
	b := newFinding(t, f, nil)
	got := b.find(record{"Session": "tour", "Participant": dora})
	require.Equal(t, "one", got.Found.Match, got.Text)
	require.Equal(t, "Tour 2", *got.Found.Candidates[0].UniqueName)
	require.Equal(t, 2, requested(f)["FetchParticipant"])
}

// An SID of something else is a name like any other, and is found nowhere.
func TestAnSIDOfAnotherKindFindsNobody(t *testing.T) {
	f := newWorld(t, shop(order1234()))
	b := newFinding(t, f, nil)
	for _, arguments := range []record{{"Session": dora}, {"Session": fake.ServiceSid}, {"Session": session[:33]}, {"Session": session, "Participant": session},
		{"Session": session, "Participant": dora[:33]}} {
		require.Equal(t, "none", b.find(arguments).Found.Match, arguments)
	}
	require.True(t, b.find(record{"Session": session, "Service": session}).IsError)
}

// Whether there is a Service is not known, if the list could not be read to its end.
func TestAnEmptyPageIsNotTheWholeListOfServices(t *testing.T) {
	b := newFinding(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"services":[],"meta":{"next_page_url":"https://elsewhere.example/v1/Services?Page=1"}}`)
	}), nil)
	got := b.find(record{"Session": "order 1234"})
	require.True(t, got.IsError)
	require.NotContains(t, got.Text, "has no Proxy Service")
	require.Contains(t, got.Text, "Whether the account has only one Service is not known. Not all were read.")
	require.NotContains(t, got.Text, "There are:")
}

// Nobody could confirm a Service before it is read.
func TestAServiceMustNotFitLoosely(t *testing.T) {
	f := newWorld(t, shop(order1234()), record{"unique_name": "bakery"})
	b := newFinding(t, f, nil)
	for name, fits := range map[string]bool{"shop": true, "SHOP": true, "our shop": true, "not shop": false, "everything but bakery": false} {
		got := b.find(record{"Service": name, "Session": "Order #1234", "Participant": "Carl"})
		require.Equal(t, !fits, got.IsError, name)
		require.Equal(t, fits, got.Found.Match == "one", name)
		require.Equal(t, !fits, strings.Contains(got.Text, "No Service has the name that was asked for."), got.Text)
	}
}

// Those who were deleted do not stand for the people in the other Sessions.
func TestTheDeletedDoNotEndTheSearch(t *testing.T) {
	deleted := record{"date_deleted": "2026-01-01T00:00:00Z"}
	people := []record{participant("Dora", nil)}
	for range maxCandidates + 1 {
		people = append(people, participant("Dora", deleted))
	}
	f := newWorld(t, shop(order("Tour 1", nil, participant("Ed", nil)), order("Tour 2", record{"date_last_interaction": "2026-01-02T00:00:00Z"}, people...)))
	got := newFinding(t, f, nil).find(record{"Session": "tour"})
	require.Equal(t, "several", got.Found.Match, got.Text)
	require.Equal(t, []string{"Dora", "Ed"}, got.names())
}
