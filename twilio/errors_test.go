package twilio

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestErrorBodies(t *testing.T) {
	const link = "https://www.twilio.com/docs/errors/20404"
	for body, want := range map[string]Error{
		`{"code":20404,"message":"not found","more_info":"` + link + `","status":404}`: {Code: 20404, Message: "not found", MoreInfo: link},
		`{"message":"An error occurred","status":500}`:                                 {Message: "An error occurred"},
		`{"code":"20404","message":null}`:                                              {Code: 20404},
		`{"code":20404.5,"message":["a"],"more_info":7}`:                               {},
		`{"code":-1}`:                   {},
		`{"code":99999999999999999999}`: {},
		`{"message":"half`:              {},
		`{"code":20404,"message":"half`: {Code: 20404},
		`{"code":20404,"mess`:           {Code: 20404},
		`{"code":20404} trailing`:       {Code: 20404},
		`<html><body>502</body></html>`: {},
		``:                              {},
		`null`:                          {},
		`[{"code":1}]`:                  {},
		"{\"message\":\"a\\u0000\\u001b[31m\\n\\u202eb \\u2028 c\"}":  {Message: "a [31m b c"},
		`{"message":"to +15550100123 and +1 (555) 010-0123 failed"}`:  {Message: "to […] and […] failed"},
		`{"message":"you said hello there, with ` + testSecret + `"}`: {Message: "you said […], with […]"},
		`{"message":"raw Body=hello+there"}`:                          {Message: "raw Body=[…]"},
		`{"more_info":"https://evil.example.com/"}`:                   {},
		`{"more_info":"https://eviltwilio.com/"}`:                     {},
		`{"more_info":"javascript:alert(1)"}`:                         {},
		`{"more_info":"` + link + `?x=` + testSecret + `#hello"}`:     {MoreInfo: link},
		`{"more_info":"` + link + `?"}`:                               {MoreInfo: link},
		`{"more_info":"https://www.twilio.com/` + testSecret + `"}`:   {},
		`{"more_info":"https://www.twilio.com/+15550100123"}`:         {},
		`{"message":"` + strings.Repeat("é", 400) + `"}`:              {Message: strings.Repeat("é", 299) + "…"},
	} {
		ans := &answer{status: 404, requestID: testRequestID, retry: time.Second, body: []byte(body)}
		want.Status, want.RequestID, want.RetryAfter = 404, testRequestID, time.Second
		require.Equal(t, &want, parseError(ans, []string{testSecret, "hello there"}), body)
	}
}

func TestARequestIDIsTwiliosOrNothing(t *testing.T) {
	for header, want := range map[string]string{
		testRequestID:                        testRequestID,
		"RQ0123456789abcdefABCDEF0123456789": "RQ0123456789abcdefABCDEF0123456789",
		"":                                   "",
		testSecret:                           "",
		"15550100123":                        "",
		testRequestID + "a":                  "",
		testRequestID[1:]:                    "",
		testRequestID + "\n":                 "",
		"SM" + testRequestID[2:]:             "",
		"RQ" + strings.Repeat("g", 32):       "",
	} {
		answer := &http.Response{Header: http.Header{"Twilio-Request-Id": {header}}, Body: http.NoBody}
		require.Equal(t, want, readAnswer(answer, maxObject).requestID, header)
	}
}

func TestTheServersEchoShowsNothingOfTheRequest(t *testing.T) {
	for _, answer := range []string{"%s\r\n\r\n", "HTTP/1.1 200 OK\r\n%s\r\n\r\n", "HTTP/1.1 400 Bad\r\n\r\n{\"message\":\"%s\"}"} {
		address := listen(t, func(conn net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				return
			}
			body, _ := io.ReadAll(r.Body)
			user, password, _ := r.BasicAuth()
			fmt.Fprintf(conn, answer, strings.Join([]string{"you-sent", strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "), user, password, string(body)}, "_"))
		})
		c := testClient(t, "http://"+address)
		_, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.ErrorContains(t, err, "you-sent")
		for _, private := range []string{testSecret, "some message", "some+message", base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + testSecret))} {
			require.NotContains(t, err.Error(), private)
		}
	}
}

func FuzzErrorBody(f *testing.F) {
	f.Add([]byte(`{"code":20404,"message":"m +15550100123","more_info":"https://www.twilio.com/x"}`), "m")
	f.Add([]byte(`{"code":"x","message":{"a":[1,2`), "")
	f.Add([]byte("<html>\xff"), "html")
	f.Fuzz(func(t *testing.T, body []byte, private string) {
		e := parseError(&answer{status: 503, body: body}, []string{private})
		require.Equal(t, 503, e.Status)
		require.GreaterOrEqual(t, e.Code, 0)
		require.LessOrEqual(t, utf8.RuneCountInString(e.Message), maxText)
		require.LessOrEqual(t, len(e.MoreInfo), maxLink)
		require.True(t, utf8.ValidString(e.Message))
		require.False(t, strings.ContainsFunc(e.Error(), unicode.IsControl))
		var whole struct{ Code *int }
		if json.Unmarshal(body, &whole) == nil && whole.Code != nil && *whole.Code > 0 && strings.Count(strings.ToLower(string(body)), "code") == 1 && strings.Contains(string(body), `"code"`) {
			require.Equal(t, *whole.Code, e.Code, "what is whole is read in full")
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "7", "-7", "999999999999", "Fri, 02 Jan 2026 03:04:35 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		d := parseRetryAfter(value, time.Unix(1767323045, 0))
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, maxRetryAfter)
	})
}
