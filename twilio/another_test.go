package twilio

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An answer counts when it has the SID or the name that was asked for, and no other parent. Null names no parent.
func TestAnAnswerAboutAnotherResourceIsNone(t *testing.T) {
	const sid = `{"sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`
	for _, tc := range []struct {
		name, answer string
		ours         bool
	}{
		{"order 1234", sid + `,"unique_name":"order 1234","service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, true},
		{"order 1234", sid + `,"unique_name":"order 1234","service_sid":null}`, true},
		{"order 1234", sid + `,"unique_name":"order 1234"}`, true},
		{"order 1234", sid + `,"unique_name":"order 1234","service_sid":7}`, true},
		{"order 1234", sid + `,"unique_name":"order 1234","service_sid":"KSAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, true},
		{"order 1234", sid + `,"unique_name":"order 1234","service_sid":"KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}`, false},
		{"order 1234", sid + `,"unique_name":"order 1234","service_sid":"ksaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, false},
		{"order 1234", sid + `,"unique_name":"order 1234","service_sid":"another"}`, false},
		{"order 1234", sid + `,"unique_name":"Order 1234"}`, false},
		{"order 1234", sid + `,"unique_name":"order 1234 "}`, false},
		{"order 1234", sid + `,"unique_name":null}`, false},
		{"order 1234", sid + `,"unique_name":["order 1234"]}`, false},
		{"order 1234", sid + `}`, false},
		{"order 1234", `{"sid":null,"unique_name":"order 1234"}`, false},
		{"order 1234", `{"sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","unique_name":"order 1234"}`, false},
		{"order 1234", `{"unique_name":"order 1234"}`, false},
		{"order 1234", `{}`, false},
		{"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", sid + `}`, true},
		{"KCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", sid + `}`, true},
		{"kcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", sid + `}`, false},
		{"kcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", sid + `,"unique_name":"kcaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, true},
		{"KCbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", sid + `}`, false},
		{"KCbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", sid + `,"unique_name":"KCbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}`, false},
		{"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", `{"sid":null}`, false},
		{"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", sid + `,"unique_name":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, true},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tc.answer) })
		got, head, err := testClient(t, s.URL).FetchSession(t.Context(), testService, tc.name)
		require.NotZero(t, head.Date)
		if tc.ours {
			require.NoError(t, err, tc)
			require.Equal(t, testSession, *got.Sid)
			continue
		}
		require.ErrorIs(t, err, ErrAnother, tc)
		require.Nil(t, got)
	}
}

func TestEveryFetchComparesItsSidAndItsParents(t *testing.T) {
	for operation := range reads(nil) {
		if strings.HasPrefix(operation, "List") {
			continue
		}
		record := map[string]string{"FetchService": "/v1/Services", "FetchSession": servicePath + "/Sessions",
			"FetchParticipant": sessionPath + "/Participants", "FetchInteraction": sessionPath + "/Interactions"}[operation]
		answer := answersByPath()[record][1]
		for _, tc := range [][2]string{{"", ""}, {`"sid":"`, `"sid":null,"x":"`}, {answer, "{}"}, {`aa",`, `bb",`}, {`aa","session_sid"`, `bb","session_sid"`}, {`aa"}`, `bb"}`}} {
			given := strings.Replace(answer, tc[0], tc[1], 1)
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, given) })
			err := reads(testClient(t, s.URL))[operation](t.Context(), Paging{})
			switch {
			case given == answer, operation == "FetchSession" && tc[0] == `aa"}`: // a Session has no session_sid
				require.NoError(t, err, given)
			default:
				require.ErrorIs(t, err, ErrAnother, given)
			}
		}
	}
}

// What is no resource at all is not another one.
func TestAFetchThatCannotBeRead(t *testing.T) {
	for operation := range reads(nil) {
		for _, body := range []string{``, `null`, `[]`, `"x"`, `{"sid":`, `[{"sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]`, strings.Repeat(" ", maxObject) + `{}`} {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, body)
			})
			err := reads(testClient(t, s.URL))[operation](t.Context(), Paging{})
			require.Error(t, err, body)
			require.NotErrorIs(t, err, ErrAnother)
		}
	}
}

// A list leaves out what it was not asked for.
func TestAListLeavesOutWhatBelongsElsewhere(t *testing.T) {
	const session = `{"sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","service_sid":`
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"sessions":[`+session+`"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ttl":1e999,"status":"napping"},`+session+`null},`+
			session+`"KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},`+session+`"elsewhere"},{"sid":null},{}]}`)
	})
	for page, err := range testClient(t, s.URL).ListSessions(t.Context(), testService, Paging{}) {
		require.NoError(t, err)
		require.False(t, page.More)
		require.Len(t, page.Items, 2)
		require.Nil(t, page.Items[0].Ttl)
		require.Equal(t, "napping", *page.Items[0].Status)
	}
}

// Nobody can be texted, and nothing asked for, without a SID.
func TestAListLeavesOutWhatHasNoSid(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		record := answersByPath()[r.URL.Path]
		io.WriteString(w, `{"`+record[0]+`":[{},{"sid":null},{"sid":7},{"sid":"?"},`+record[1]+`]}`)
	})
	c := testClient(t, s.URL)
	for page, err := range c.ListServices(t.Context(), Paging{}) {
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
	}
	for page, err := range c.ListParticipants(t.Context(), testService, testSession, Paging{}) {
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
	}
}
