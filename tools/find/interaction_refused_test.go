package find

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// An answer about another interaction gives no status, and neither does one that Twilio did not give.
func TestWhatIsNotAboutThisMessageIsAnError(t *testing.T) {
	delivered := `"outbound_resource_status":"delivered"`
	for name, tc := range map[string]struct {
		upstream http.HandlerFunc
		code     tools.Code
		words    string
	}{
		"another message":     {answering(`{"sid":"` + another + `",` + delivered + `}`), tools.CodeTryLater, "about the Interaction asked for"},
		"no sid":              {answering(`{` + delivered + `}`), tools.CodeTryLater, "about the Interaction asked for"},
		"all null":            {answering(`{"sid":null,"session_sid":null,"outbound_resource_status":null}`), tools.CodeTryLater, "about the Interaction asked for"},
		"another Session":     {answering(`{"sid":"` + anInteraction + `","session_sid":"KCbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",` + delivered + `}`), tools.CodeTryLater, "about the Interaction asked for"},
		"another Service":     {answering(`{"sid":"` + anInteraction + `","service_sid":"KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",` + delivered + `}`), tools.CodeTryLater, "about the Interaction asked for"},
		"no JSON":             {answering(`[` + delivered + `]`), tools.CodeTryLater, "could not be read"},
		"a login page":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, tools.CodeTryLater, "did not come from Twilio"},
		"a gateway's 404":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, tools.CodeRefused, "did not come from Twilio"},
		"a fault of Twilio's": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, tools.CodeTryLater, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollower(t, tc.upstream)
			got := f.ask(t.Context(), anInteraction, `,"WaitSeconds":40`)
			require.True(t, got.IsError)
			require.Equal(t, tc.code, got.Meta.Outcome.Code)
			require.Nil(t, got.Structured)
			require.Contains(t, got.text(), tc.words)
			require.NotContains(t, got.text(), "no such Interaction", "which Twilio has not said")
			requireNoSending(t, got)
			require.EqualValues(t, 1, f.requests.Load(), "a first look that fails is not repeated")
		})
	}
}

// Reading tools send nothing, so their errors do not speak of it.
func requireNoSending(t *testing.T, a follow) {
	t.Helper()
	require.NotRegexp(t, regexp.MustCompile(`(?i)\b(send|sent|resend)`), a.text())
}

// What Twilio's codes advise is mostly for somebody who sends.
func TestNoCodeOfTwiliosMakesAReadSpeakOfSending(t *testing.T) {
	for code := range twilio.Meanings() {
		f := newFollower(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"code":%d,"message":"no","status":400}`, code)
		}))
		got := f.ask(t.Context(), anInteraction, "")
		require.Equal(t, code, got.Meta.Outcome.TwilioCode)
		require.Equal(t, tools.CodeRefused, got.Meta.Outcome.Code)
		requireNoSending(t, got)
	}
}

func TestAMissingInteractionMayHaveAWrongSidOrBeDeleted(t *testing.T) {
	upstream := stoppedFake(t, fake.Config{})
	f := newFollower(t, upstream)
	got := f.ask(t.Context(), another, "")
	require.True(t, got.IsError)
	require.Equal(t, tools.CodeRefused, got.Meta.Outcome.Code)
	require.Equal(t, 404, got.Meta.Outcome.HTTPStatus)
	require.Equal(t, 20404, got.Meta.Outcome.TwilioCode)
	for _, words := range []string{"no such Interaction", "InteractionSid", "SessionSid", "ServiceSid", "deleted"} {
		require.Contains(t, got.text(), words)
	}
	requireNoSending(t, got)
}

// The bounds of WaitSeconds are Rules, and an argument that breaks one costs no request.
func TestWaitSecondsHasBounds(t *testing.T) {
	f := newFollower(t, answering(`{"sid":"`+anInteraction+`","outbound_resource_status":"delivered"}`))
	for value, words := range map[string]string{
		"-1": "must be from 0 to 40", "41": "must be from 0 to 40", "1e300": "must be from 0 to 40",
		`"5"`: "must be integer", "1.5": "must be integer", "true": "must be integer", "[]": "must be integer",
	} {
		got := f.ask(t.Context(), anInteraction, `,"WaitSeconds":`+value)
		require.Equal(t, tools.CodeInvalidArguments, got.Meta.Outcome.Code, value)
		require.Contains(t, got.text(), "WaitSeconds", value)
		require.Contains(t, got.text(), words, value)
		requireNoSending(t, got)
	}
	require.Zero(t, f.requests.Load())
	for _, value := range []string{"null", "0", "40", "40.0", "-0"} {
		got := f.ask(t.Context(), anInteraction, `,"WaitSeconds":`+value)
		require.Equal(t, "delivered", got.Structured["status"], value)
	}
}

// A definition costs its place in the context of every model.
// Many who wait for one Service keep its rate together. Who has no turn hears what is known.
func TestManyWhoWaitKeepTheRate(t *testing.T) {
	t.Parallel()
	f := newFollower(t, answering(`{"sid":"`+anInteraction+`","outbound_resource_status":"sent"}`))
	f.config.Client.RateLimit, f.tools.Deadline = 1, 2*time.Second
	var calls sync.WaitGroup
	answers := make(chan follow, 20)
	for range cap(answers) {
		calls.Go(func() { answers <- f.ask(t.Context(), anInteraction, `,"WaitSeconds":1`) })
	}
	calls.Wait() // in less than a window
	require.EqualValues(t, 5, f.requests.Load(), "five in five seconds")
	known, noTurn := 0, 0
	for range cap(answers) {
		got := <-answers
		require.Contains(t, got.text(), "--rate-limit")
		if got.IsError {
			noTurn++
			require.Equal(t, tools.CodeTryLater, got.Meta.Outcome.Code)
			requireNoSending(t, got)
			continue
		}
		known++
		require.Equal(t, "sent", got.Structured["status"])
		require.Equal(t, false, got.Structured["final"])
	}
	require.Equal(t, []int{5, 15}, []int{known, noTurn})
}
