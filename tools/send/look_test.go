package send

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// post sends a message past the tools, as another program does.
func post(t testing.TB, f *fake.Fake, body string) {
	r := httptest.NewRequest(http.MethodPost, "/v1/Services/"+fake.ServiceSid+"/Sessions/"+fake.SessionSid+"/Participants/"+fake.ParticipantSid+"/MessageInteractions",
		strings.NewReader(url.Values{"Body": {body}}.Encode()))
	r.SetBasicAuth(fake.AccountSid, "secret")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	require.Equal(t, 2, w.Code/100, w.Body)
}

// A request begins with its last try: an equal message of another program's
// from before that is not ours.
func TestAMessageFromBeforeTheLastTryIsNotOurs(t *testing.T) {
	f := newFake(t)
	var first sync.Once
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		again := true
		if r.Method == http.MethodPost {
			first.Do(func() { again = false })
		}
		if !again {
			post(t, f, "hello")
			require.NoError(t, f.SetFaults(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectDropBefore}))
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		f.ServeHTTP(w, r)
	}), nil)
	b.clock.Set(f.Now().Truncate(time.Second))
	got := b.send("hello")
	require.Equal(t, tools.SentUnknown, got.outcome().Sent, got.text())
	require.Equal(t, 1, f.Accepted())
}

// What the look tells of Twilio's clock is kept for whoever looks later.
func TestTheFirstLookRecordsTwiliosClock(t *testing.T) {
	f := newFake(t)
	f.Advance(5 * time.Minute)
	b := newBench(t, f, nil)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropBefore}))
	began := f.Now()
	got := b.send("hello")
	require.Equal(t, tools.SentUnknown, got.outcome().Sent, got.text())
	require.WithinRange(t, b.entry(got.outcome()).UpstreamBegun, began.Add(-twilio.ClockGrain-500*time.Millisecond), f.Now())
}

// An interaction that another entry has is not this one's, though it looks like it.
func TestAMessageThatIsKnownIsNotOurs(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	const key = `{"twilio-proxy-mcp/idempotency-key":"%"}`
	require.Equal(t, tools.CodeSent, b.call(arguments("hello"), strings.Replace(key, "%", "one", 1)).outcome().Code)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropAfter}))
	got := b.call(arguments("hello"), strings.Replace(key, "%", "two", 1))
	require.True(t, got.outcome().Reconciled, "the other one is known, so that this is the only one: %s", got.text())
}

// loseOne sends a message whose answer is lost, and whose first look fails, so that only a repeat can find it.
func loseOne(b *bench, f *fake.Fake) {
	require.NoError(b.t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectDropAfter},
		fake.Fault{Operation: "ListInteraction", Effect: fake.EffectStatus, Status: http.StatusForbidden}))
	require.Equal(b.t, tools.CodeOutcomeUnknown, b.send("hello").outcome().Code)
	require.Equal(b.t, 1, f.Accepted())
}

// readmeBound is how many interactions of a session are looked at, as the README has it.
func readmeBound(t *testing.T) int {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	found := regexp.MustCompile(`or its session has more than ([\d,]+)\s+interactions`).FindSubmatch(readme)
	require.NotNil(t, found, "the README says how many interactions are looked at")
	bound, err := strconv.Atoi(strings.ReplaceAll(string(found[1]), ",", ""))
	require.NoError(t, err)
	return bound
}

// Whatever PageSize asks for, Twilio gives at most 100 records a page. As many as the README says are looked at all the
// same, and a lost message further back stays unknown.
func TestALostMessageIsFoundAsFarBackAsTheReadmeSays(t *testing.T) {
	for newer, found := range map[int]bool{149: true, readmeBound(t) - 1: true, readmeBound(t): false} {
		t.Run(strconv.Itoa(newer), func(t *testing.T) {
			f := newFake(t)
			b := newBench(t, f, nil)
			loseOne(b, f)
			for i := range newer {
				post(t, f, strconv.Itoa(i))
			}
			got := b.send("hello")
			require.Equal(t, found, got.outcome().Reconciled, got.text())
			require.Equal(t, found, got.outcome().Code == tools.CodeSent)
			require.Equal(t, !found, got.outcome().Code == tools.CodeOutcomeUnknown)
			require.Equal(t, newer+1, f.Accepted())
		})
	}
}

// So it is where pages are shorter than the longest ones.
func TestAsManyInteractionsAreLookedAtOnShortPages(t *testing.T) {
	for newer, found := range map[int]bool{readmeBound(t) - 1: true, readmeBound(t): false} {
		f := fake.New(fake.Config{MaxPageSize: 50})
		t.Cleanup(func() { f.Close() })
		b := newBench(t, f, nil)
		loseOne(b, f)
		for i := range newer {
			post(t, f, strconv.Itoa(i))
		}
		require.Equal(t, found, b.send("hello").outcome().Reconciled, newer)
	}
}

// A page with fewer records than were asked for is not the end of the list: only one without a link to the next is.
func TestAShortPageIsNotTheEnd(t *testing.T) {
	f := fake.New(fake.Config{MaxPageSize: 1})
	t.Cleanup(func() { f.Close() })
	b := newBench(t, f, nil)
	loseOne(b, f)
	for i := range maxPages - 1 {
		post(t, f, strconv.Itoa(i))
	}
	require.True(t, b.send("hello").outcome().Reconciled, "on the last page that is read")

	key := `{"twilio-proxy-mcp/idempotency-key":"another"}`
	require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectDropAfter},
		fake.Fault{Operation: "ListInteraction", Effect: fake.EffectStatus, Status: http.StatusForbidden}))
	require.Equal(t, tools.CodeOutcomeUnknown, b.call(arguments("more"), key).outcome().Code)
	require.Equal(t, tools.CodeOutcomeUnknown, b.call(arguments("more"), key).outcome().Code,
		"the message is on the first page, and an equal one could be on a page that was not read")
}

// An equal message of another program's, that long after the request, cannot be the request's. The README names the bound.
func TestHowLongAfterTheRequestAnEqualMessageIsTakenForIt(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	require.Regexp(t, fmt.Sprintf(`one from up to %d\s+seconds after the deadline of its call`, int(arrivalMargin.Seconds())), string(readme))
	for after, found := range map[time.Duration]bool{0: true, tools.DefaultDeadline + arrivalMargin - 5*time.Second: true,
		tools.DefaultDeadline + arrivalMargin + 2*time.Second: false, 100 * time.Second: false} {
		t.Run(after.String(), func(t *testing.T) {
			f := newFake(t)
			b := newBench(t, f, nil)
			require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectStatus, Status: http.StatusServiceUnavailable}))
			require.Equal(t, tools.CodeOutcomeUnknown, b.send("hello").outcome().Code)
			f.Advance(after)
			post(t, f, "hello")
			require.Equal(t, found, b.send("hello").outcome().Reconciled)
		})
	}
}

// A proxy answers, whose clock is slow. By that clock, an older equal message would come after the request.
func TestAProxysClockIsNotTwilios(t *testing.T) {
	f := newFake(t)
	post(t, f, "hello")
	f.Advance(30 * time.Minute)
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Date", f.Now().Add(-30*time.Minute-5*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		f.ServeHTTP(w, r)
	}), nil)
	require.NoError(t, f.Arm(fake.Fault{Operation: "ListInteraction", Effect: fake.EffectStatus, Status: http.StatusForbidden}))
	for range 2 {
		got := b.send("hello")
		require.Equal(t, tools.CodeOutcomeUnknown, got.outcome().Code, got.text())
	}
}

// Twilio may list a text without the white space around it, with its accents composed, or with other line ends.
func TestALostMessageIsFoundUnderATextThatCountsAsTheSame(t *testing.T) {
	for sent, listed := range map[string]string{" hello\n": "hello", "cafe\u0301": "caf\u00e9", "hello": "hello ", "a\r\nb": "a\nb"} {
		f := newFake(t)
		b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				post(t, f, listed)
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			f.ServeHTTP(w, r)
		}), nil)
		require.True(t, b.send(sent).outcome().Reconciled, listed)
	}
}

// So the ledger must see, too, that two such messages can be mistaken for each other.
func TestTextsThatCountAsTheSameAreTwins(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectTruncate}, fake.Fault{Effect: fake.EffectStatus, Status: http.StatusServiceUnavailable}))
	require.Equal(t, tools.CodeSent, b.send("hello").outcome().Code)
	got := b.send("hello ")
	require.Equal(t, tools.CodeOutcomeUnknown, got.outcome().Code, "the first message is in the list, and its entry has no SID: %s", got.text())
}

// A text of white space alone could be any message without a text.
func TestABlankTextIsNotLookedFor(t *testing.T) {
	f := newFake(t)
	b := newBench(t, f, nil)
	require.NoError(t, f.Arm(fake.Fault{Effect: fake.EffectDropAfter}))
	require.Equal(t, tools.CodeOutcomeUnknown, b.send(" ").outcome().Code)
	require.Len(t, f.Requests(), 1)
}
