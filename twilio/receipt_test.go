package twilio

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// answerWith is a server that answers everything with this body, and a client of it.
func answerWith(t *testing.T, body string) *Client {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
	return testClient(t, s.URL)
}

const otherSid = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

func TestAReceiptOfAnotherMessageIsNotBelieved(t *testing.T) {
	aa := strings.Repeat("a", 32)
	for name, tc := range map[string]struct {
		old, new string // in the documented answer
		misfits  map[string]string
	}{
		"service":              {`"service_sid":"KS` + aa, `"service_sid":"KS` + otherSid, map[string]string{"service_sid": `"KS` + otherSid + `"`}},
		"session":              {`"session_sid":"KC` + aa, `"session_sid":"KC` + otherSid, map[string]string{"session_sid": `"KC` + otherSid + `"`}},
		"participant":          {`"participant_sid":"KP` + aa + `","inbound`, `"participant_sid":"KP` + otherSid + `","inbound`, map[string]string{"participant_sid": `"KP` + otherSid + `"`}},
		"as in a list":         {`"participant_sid":"KP` + aa + `","inbound_participant_sid":null,`, `"outbound_participant_sid":"KP` + otherSid + `",`, map[string]string{"outbound_participant_sid": `"KP` + otherSid + `"`}},
		"no SID at all":        {`"session_sid":"KC` + aa, `"session_sid":"" ,"x":"`, map[string]string{"session_sid": `""`}},
		"no participant's SID": {`"participant_sid":"KP` + aa + `","inbound`, `"participant_sid":"","inbound`, map[string]string{"participant_sid": `""`}},
		"another character":    {`some message`, `\u017fome message`, map[string]string{"data": `"(another text)"`}},
		"another kind":         {`"service_sid":"KS` + aa, `"service_sid":"KC` + aa, map[string]string{"service_sid": `"KC` + aa + `"`}},
		"its own SID":          {`"sid":"KI` + aa, `"sid":"KI` + otherSid, map[string]string{"sid": `"KI` + otherSid + `"`}},
		"text":                 {`{\"body\":\"some message\"}`, `{\"body\":\"a private word\"}`, map[string]string{"data": `"(another text)"`}},
		"no text":              {`{\"body\":\"some message\"}`, `{\"body\":\"\"}`, map[string]string{"data": `"(another text)"`}},
		"text in an object":    {`"{\"body\":\"some message\"}"`, `{"body":"a private word"}`, map[string]string{"data": `"(another text)"`}},
		"upper and lower case": {`some message`, `Some Message`, map[string]string{"data": `"(another text)"`}},
		"all of it": {aa + `","data":"{\"body\":\"some message\"}"`, otherSid + `","data":"{\"body\":\"a private word\"}"`,
			map[string]string{"service_sid": `"KS` + otherSid + `"`, "data": `"(another text)"`}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, documentedAnswer, tc.old)
			answer := strings.Replace(documentedAnswer, tc.old, tc.new, 1)
			if name == "as in a list" { // the field is there once more, further on
				answer = strings.Replace(answer, `"outbound_participant_sid":"KP`+aa+`",`, "", 1)
			}
			created, err := answerWith(t, answer).CreateMessageInteraction(t.Context(), testMessage, nil)
			require.NoError(t, err, "it was accepted all the same")
			require.ErrorContains(t, created.Unreadable, "another message's")
			require.Zero(t, created.Interaction)
			got := map[string]string{}
			for field, raw := range created.Misfits {
				got[field] = string(raw)
			}
			require.Equal(t, tc.misfits, got)
			if name != "its own SID" {
				require.Equal(t, "KI"+aa, created.Stray)
			}
			require.NotContains(t, fmt.Sprint(created), "private")
		})
	}
}

func TestWhatShowsNoOtherMessageIsNoMismatch(t *testing.T) {
	with := func(body string) func(*schema.CreateMessageInteraction) {
		return func(r *schema.CreateMessageInteraction) { r.Body = body }
	}
	media := func(r *schema.CreateMessageInteraction) { r.Body, r.MediaUrl = "", []string{"https://example.com/a"} }
	for name, tc := range map[string]struct {
		change   func(*schema.CreateMessageInteraction)
		old, new string // in the documented answer
	}{
		"data is null":         {nil, `"{\"body\":\"some message\"}"`, `null`},
		"data is missing":      {nil, `"data":"{\"body\":\"some message\"}",`, ``},
		"data is no JSON":      {nil, `"{\"body\":\"some message\"}"`, `"other words"`},
		"data is a list":       {nil, `"{\"body\":\"some message\"}"`, `["other words"]`},
		"data is a number":     {nil, `"{\"body\":\"some message\"}"`, `5`},
		"body is missing":      {nil, `{\"body\":\"some message\"}`, `{\"media_url\":[]}`},
		"body is null":         {nil, `\"some message\"`, `null`},
		"body is a list":       {nil, `\"some message\"`, `[\"other words\"]`},
		"more than a body":     {nil, `{\"body\":`, `{\"Body\":\"x\",\"from\":\"Ann\",\"body\":`},
		"an object":            {nil, `"{\"body\":\"some message\"}"`, `{"body":"some message"}`},
		"SIDs are null":        {nil, `"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, `null}`},
		"SIDs are numbers":     {nil, `"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, `7}`},
		"a link elsewhere":     {nil, `"url":"https://proxy.twilio.com/v1/Services/`, `"url":"https://proxy.twilio.com/v1/Services/?`},
		"a link to nothing":    {nil, `MessageInteractions/KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`, `MessageInteractions/`},
		"digits in upper case": {nil, `"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, `"KCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`},
		"a link in upper case": {nil, `MessageInteractions/KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`, `MessageInteractions/KIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`},
		"composed":             {with("caf" + "e\u0301"), `some message`, "caf\u00e9"},
		"taken apart":          {with("caf\u00e9"), `some message`, "caf" + "e\u0301"},
		"trimmed":              {with(" \n some message\u00a0\t"), `some message`, `some message`},
		"white space added":    {nil, `some message`, ` some message\\n`},
		"line ends changed":    {with("a\r\nb\r\n\r\nc"), `some message`, `a\\nb\\n\\nc`},
		"line ends added":      {with("a\nb"), `some message`, `a\\r\\nb`},
		"escapes":              {with("some <m\u00e9ss\U0001f600ge>"), `some message`, `some \\u003cm\\u00E9ss\\ud83d\\uDE00ge>`},
		"media alone":          {media, `{\"body\":\"some message\"}`, `{\"body\":\"\",\"media_url\":[\"https://example.com/a\"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, documentedAnswer, tc.old)
			request := testMessage
			if tc.change != nil {
				tc.change(&request)
			}
			created, err := answerWith(t, strings.Replace(documentedAnswer, tc.old, tc.new, 1)).CreateMessageInteraction(t.Context(), request, nil)
			require.NoError(t, err)
			require.NoError(t, created.Unreadable)
			require.NotNil(t, created.Interaction.Sid)
			require.Empty(t, created.Stray)
		})
	}
}

// Each of these is an answer with a 2xx. Only a sign of an API makes it an acceptance.
func TestA2xxCountsOnlyWithASignOfAnAPI(t *testing.T) {
	const page = "<html><title>Log in to this network</title></html>"
	for _, tc := range []struct {
		name, header, body string
		accepted           bool
	}{
		{"a login page", "Content-Type: text/html", page, false},
		{"a page without a type", "", page, false},
		{"plain text", "Content-Type: text/plain", "queued", false},
		{"nothing", "", "", false},
		{"nothing, of a type", "Content-Type: text/html", "", false},
		{"a JSON list", "", `[{"sid":1}]`, false},
		{"a script", "", `{{portal}}`, false},
		{"a block of a script", "", `{ location = "/login" }`, false},
		{"a type that only looks so", "Content-Type: application/jsonp", page, false},
		{"a type in a parameter", "Content-Type: text/html; x=application/json", page, false},
		{"a header that only looks so", "X-Twilio-Request-Id: 1", page, false},
		{"a JSON type", "Content-Type: application/json", page, true},
		{"a JSON type with a parameter", "Content-Type: Application/JSON ; charset=utf-8", "", true},
		{"a kind of JSON", "Content-Type: application/problem+json", "", true},
		{"a header of Twilio's", "Twilio-Request-Id: 1", page, true},
		{"another header of Twilio's", "twilio-concurrent-requests: 1", "", true},
		{"an object", "", `{"sid":null}`, true},
		{"an object of another type", "Content-Type: text/html", `{"ok":true}`, true},
		{"an object that is cut off", "", `{"si`, true},
		{"an object that is cut off at once", "", `{`, true},
		{"an object after white space", "", " \r\n\t{ \n\"sid\":", true},
		{"an object after a byte order mark", "", "\xef\xbb\xbf{}", true},
	} {
		for _, status := range []int{200, 201, 202, 203, 204, 206, 299} {
			t.Run(fmt.Sprintf("%s, %d", tc.name, status), func(t *testing.T) {
				body, accepted := tc.body, tc.accepted
				answer := fmt.Sprintf("HTTP/1.1 %d X\r\nDate: Thu, 30 Jul 2015 20:00:01 GMT\r\n", status)
				if tc.header != "" {
					answer += tc.header + "\r\n"
				}
				if status == 204 { // it has no body, so that only its header can show something
					body, accepted = "", accepted && !strings.HasPrefix(tc.name, "an object")
				} else {
					answer += fmt.Sprintf("Content-Length: %d\r\n", len(body)+1) // always cut off
				}
				c := testClient(t, "http://"+listen(t, say(answer+"\r\n"+body)))
				created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
				if accepted {
					require.NoError(t, err)
					require.Error(t, created.Unreadable)
					return
				}
				var unknown *OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				require.ErrorContains(t, err, "proxy or firewall in between")
				require.Zero(t, unknown.Date, "it is not Twilio's clock")
			})
		}
	}
}

// A proxy's answer tells the proxy's time, even if it is JSON.
func TestOnlyTwiliosDateIsTwiliosTime(t *testing.T) {
	for body, want := range map[string]time.Time{
		`<html>`: {},
		`{"code":20500,"message":"Internal Server Error","status":503}`: time.Date(2015, 7, 30, 20, 0, 1, 0, time.UTC),
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", "Thu, 30 Jul 2015 20:00:01 GMT")
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, body)
		})
		_, err := testClient(t, s.URL).CreateMessageInteraction(t.Context(), testMessage, nil)
		var unknown *OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, want, unknown.Date)
	}
	for body, dated := range map[string]bool{`{"login":true}`: false, `{"si`: false, `{"sid":null,"type":"message"}`: true} {
		created, err := answerWith(t, body).CreateMessageInteraction(t.Context(), testMessage, nil)
		require.NoError(t, err)
		require.Equal(t, dated, !created.Date.IsZero(), body)
	}
}

func TestAListHasOnlyWhatIsOfItsSession(t *testing.T) {
	ours := strings.Replace(documentedAnswer, `"participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",`, "", 1)
	others := strings.ReplaceAll(ours, strings.Repeat("a", 32), otherSid)
	list := []string{ours, `{"type":"message"}`, strings.Replace(ours, "KSaaaaaaaa", "KSbbbbbbbb", 1), strings.ReplaceAll(ours, "KCaaaaaaaa", "KCbbbbbbbb"),
		others, strings.Replace(ours, `"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data"`, `"","data"`, 1)}
	var got int
	for page, err := range answerWith(t, `{"interactions":[`+strings.Join(list, ",")+`]}`).ListInteractions(t.Context(), testService, testSession, Paging{}) {
		require.NoError(t, err)
		got += len(page.Items)
	}
	require.Equal(t, 2, got)
}

// A portal's page is no list in which nothing was found.
func TestAPortalsPageIsNoList(t *testing.T) {
	for _, body := range []string{"<html>Log in</html>", "", "[]"} {
		var last error
		for _, last = range answerWith(t, body).ListInteractions(t.Context(), testService, testSession, Paging{}) {
		}
		require.ErrorContains(t, last, "not in the form of Twilio's API", body)
	}
}

func TestStrays(t *testing.T) {
	now := time.Now()
	var s Strays
	require.False(t, s.Precedes("KI1", now))
	s.Add("", now)
	require.False(t, s.Precedes("", now))
	s.Add("KI1", now)
	s.Add("KI1", now.Add(time.Hour))
	require.True(t, s.Precedes("KI1", now), "the first time counts")
	require.False(t, s.Precedes("KI1", now.Add(-time.Nanosecond)), "the request may have made it")
	for i := range maxStrays * 3 {
		s.Add(fmt.Sprint(i), now)
		require.LessOrEqual(t, len(s.seen), maxStrays)
	}
}
