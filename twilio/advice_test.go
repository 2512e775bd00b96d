package twilio

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// errorCodes is an optional copy of Twilio's dictionary of Proxy's errors, outside
// this repository.
const errorCodes = "../../shared/proxy_error_codes.tsv"

// general are the codes that are not Proxy's own, or not in the copy.
var general = []int{20003, 20004, 20005, 20008, 20403, 20404, 20429, 21610, 21617, 80621}

func TestEveryCodeHasAMeaning(t *testing.T) {
	file, err := os.Open(errorCodes)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("Twilio's dictionary of Proxy's errors is not at %s: whether each code has a meaning is not checked", errorCodes)
	}
	require.NoError(t, err)
	defer file.Close()
	lines := csv.NewReader(file)
	lines.Comma, lines.LazyQuotes = '\t', true
	rows, err := lines.ReadAll()
	require.NoError(t, err)
	codes := slices.Clone(general)
	meanings := Meanings()
	for _, row := range rows[1:] {
		code, err := strconv.Atoi(row[0])
		require.NoError(t, err)
		codes = append(codes, code)
		for _, theirs := range row[3:] { // facts are taken over, sentences are not
			if len(theirs) > 24 {
				require.NotContains(t, meanings[code].Cause+meanings[code].Next, strings.TrimSuffix(strings.TrimSpace(theirs), "."), code)
			}
		}
	}
	slices.Sort(codes)
	require.Equal(t, codes, slices.Sorted(maps.Keys(meanings)), "one deliberate entry for each code, and no other")
}

// Each meaning is two whole sentences or more, and fits every error it can be in.
func TestMeaningsAreWholeSentences(t *testing.T) {
	sentence := regexp.MustCompile(`^[A-Z][^\n]*\.$`)
	for code, meaning := range Meanings() {
		require.Regexp(t, sentence, meaning.Cause, code)
		require.Regexp(t, sentence, meaning.Next, code)
		for _, text := range []string{meaning.Cause, meaning.Next} {
			require.NotContains(t, strings.ToLower(text), "nothing was sent", "%d: the outcome says that, and alone", code)
			require.NotContains(t, strings.ToLower(text), "unknown", code)
			require.NotRegexp(t, `\d{5}`, text, code)
		}
		if next := meaning.Next; next != nextWait {
			require.NotContains(t, next, "may be made again", "%d: only where Twilio did nothing", code)
		}
	}
}

// The codes that a sender is most likely to meet.
func TestAdviceGoesByTwiliosCode(t *testing.T) {
	for code, want := range map[int]string{
		20003: "Twilio does not accept this server's credentials. Tell the user to check them.",
		20008: "These are Twilio's test credentials, which do not work with Proxy. Tell the user to configure live credentials or to use the built-in fake.",
		20404: "One of the SIDs does not exist in this account. Check the SIDs with the user, do not guess others.",
		20429: "Twilio gets too many requests. The same call may be made again later.",
		80621: "Proxy gets too many requests. The same call may be made again later.",
		21610: "The person has opted out of messages from this number. Do not rephrase and send again: tell the user. Only the person can opt in again, with a text of their own.",
		21617: "The text is longer than a text message may be, which is 1,600 characters. Ask the user how to shorten it; do not split it into several messages on your own.",
		80504: "Twilio had an internal error. Do not repeat the call on your own: tell the user that the fault is Twilio's.",
		80506: "Twilio does not offer Proxy to this account: it is closed to new customers. Do not call again: tell the user, who can ask Twilio for an exemption or use an account that already has a Proxy Service.",
		80607: "The Session is closed. It takes no messages now. Do not call again: tell the user, who can reopen the Session or begin another.",
		80610: "The SIDs do not belong together. Check which Service and Session the Participant is in; do not guess other SIDs.",
		80613: "A service of Twilio's behind Proxy rejected the message. Do not rephrase and send again: tell the user, who may find the reason in the error log of the Twilio Console.",
		80401: "Twilio does not accept the account's SID. Tell the user to check it (TWILIO_ACCOUNT_SID).",
		80622: "The Service has as many numbers as it may have. Do not call again: tell the user, who can remove numbers that are not used or set up another Service at Twilio.",
		80624: "The Service will soon have as many numbers as it may have. Do not call again: tell the user, who can remove numbers that are not used or set up another Service at Twilio.",
		80701: "A parameter is not one that Twilio accepts. Correct the parameter that Twilio's words name (leave MediaUrl out: Proxy does not support it), or tell the user.",
		80901: "Twilio takes the text for a word by which people opt out of messages or in again (such as STOP or START), and passes it on to nobody. Do not rephrase and send again: tell the user. Only the person can opt in again, with a text of their own.",
		80904: "The Session has expired. It takes no messages now. Do not call again: tell the user, who can reopen the Session or begin another.",
		80910: "The Session is for calls only. Do not call again: tell the user, who can use a Session whose mode allows messages.",
	} {
		for _, status := range []int{400, 401, 403, 404, 409, 429} { // which status goes with which code is not documented
			require.Equal(t, want, (&Error{Status: status, Code: code, FromTwilio: true}).Advice(), "%d %d", status, code)
		}
	}
	for status, want := range map[int]string{
		400: "The same call would be refused again; change what Twilio objects to, or tell the user.",
		401: "Twilio does not accept this server's credentials. Tell the user to check them.",
		403: "Twilio does not permit this to the account or the API key; tell the user.",
		404: "One of the SIDs does not exist in this account. Check the SIDs with the user, do not guess others.",
	} {
		for _, code := range []int{0, 29999, 80999} {
			require.Equal(t, want, (&Error{Status: status, Code: code, FromTwilio: true}).Advice())
		}
	}
}

// Bad credentials are only blamed where Twilio says so.
func TestCredentialsAreBlamedForTheirOwnCodesAlone(t *testing.T) {
	for code := range Meanings() {
		blamed := strings.Contains((&Error{Status: 401, Code: code, FromTwilio: true}).Advice(), "credentials")
		require.Equal(t, code == 20003 || code == 20008, blamed, code)
	}
	for status := 400; status < 500; status++ {
		advice := (&Error{Status: status}).Advice()
		require.NotContains(t, advice, "this server's credentials", status)
		require.NotContains(t, advice, "SID", status)
		require.NotContains(t, advice, "Twilio objects", status)
	}
}

// An answer is only called Twilio's when it has a sign of Twilio's API.
func TestAnAnswerThatIsNotTwiliosIsNotCalledSo(t *testing.T) {
	const html = `<html><body><h1>Access denied by policy</h1></body></html>`
	for name, tc := range map[string]struct {
		header, body string
		twilios      bool
		code         int
	}{
		"all of it":                {"Content-Type: application/json\r\nTwilio-Request-Id: " + testRequestID, `{"code":20404,"message":"m","more_info":"https://www.twilio.com/docs/errors/20404","status":%d}`, true, 20404},
		"the header alone":         {"Twilio-Request-Id: " + testRequestID, ``, true, 0},
		"another header of theirs": {"twilio-concurrent-requests: 1", html, true, 0},
		"a message and the status": {"X: y", `{"message":"An error occurred","status":%d}`, true, 0},
		"a code, then cut off":     {"X: y", `{"code":20404,"mess`, true, 20404},
		"a code in quotes":         {"X: y", `{"code":"20404"}`, true, 20404},
		"nothing":                  {"X: y", ``, false, 0},
		"HTML":                     {"Content-Type: text/html", html, false, 0},
		"HTML as JSON":             {"Content-Type: application/json", html, false, 0},
		"an empty object":          {"Content-Type: application/json", `{}`, false, 0},
		"a gateway's message":      {"Content-Type: application/json", `{"message":"Forbidden"}`, false, 0},
		"a gateway's code":         {"Content-Type: application/json", `{"code":403,"message":"Forbidden"}`, false, 0},
		"another status":           {"Content-Type: application/json", `{"message":"Forbidden","status":"denied"}`, false, 0},
		"an error in an object":    {"Content-Type: application/json", `{"error":{"code":20404,"message":"m"}}`, false, 0},
		"a framework's error":      {"Content-Type: application/json", `{"timestamp":"2026-01-01T00:00:00Z","status":%d,"error":"Unauthorized","message":"No token","path":"/v1"}`, false, 0},
		"a status as code":         {"Content-Type: application/json", `{"code":401,"message":"denied","status":%d}`, false, 0},
		"a gateway's own code":     {"Content-Type: application/json", `{"code":900902,"message":"Missing Credentials","description":"d"}`, false, 0},
		"a number that is no code": {"Content-Type: application/json", `{"code":123456789012345,"message":"m"}`, false, 0},
		"no code":                  {"Content-Type: application/json", `{"code":null,"message":"m","more_info":null,"status":%d,"details":{}}`, true, 0},
		"a list":                   {"Content-Type: application/json", `[{"code":20404}]`, false, 0},
	} {
		for _, status := range []int{302, 400, 401, 403, 404, 407, 408, 429, 500, 502, 503} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				body := strings.Replace(tc.body, "%d", fmt.Sprint(status), 1)
				address := listen(t, say(fmt.Sprintf("HTTP/1.1 %d X\r\n%s\r\nRetry-After: 600\r\nContent-Length: %d\r\n\r\n%s", status, tc.header, len(body), body)))
				_, err := testClient(t, "http://"+address).CreateMessageInteraction(t.Context(), testMessage, nil)
				got, ok := asError(err)
				require.True(t, ok, "%v", err)
				require.Equal(t, tc.twilios, got.FromTwilio)
				require.Equal(t, tc.code, got.Code, "a code that is not Twilio's is none")
				claims := strings.Contains(got.Error(), "Twilio answered") || strings.Contains(got.Error(), "Twilio refused") || strings.Contains(got.Error(), "Twilio receives")
				require.Equal(t, tc.twilios && status != 302, claims, got.Error())
				require.Equal(t, !tc.twilios && status != 302, strings.Contains(got.Error(), "may come from a proxy or firewall in between"), got.Error())
				require.Equal(t, tc.twilios, strings.HasPrefix(got.Answered(), "Twilio answered"))
				require.Equal(t, !tc.twilios, strings.Contains(got.Answered(), "it did not come from Twilio"))
				require.Equal(t, tc.twilios && got.Message != "", strings.Contains(got.Quoted(), "Twilio's words"))
			})
		}
	}
}

// It holds for a read as well.
func TestAReadThatIsNotAnsweredByTwilio(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "<html>Blocked</html>")
	})
	for _, err := range testClient(t, s.URL).ListInteractions(t.Context(), testService, testSession, Paging{}) {
		require.ErrorContains(t, err, "may come from a proxy or firewall in between (HTTP 403)")
	}
}
