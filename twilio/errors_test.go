package twilio

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
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
		ans := &answer{status: 404, requestID: testRequestID, retryAfter: time.Second, body: []byte(body)}
		want.Status, want.RequestID, want.RetryAfter = 404, testRequestID, time.Second
		want.FromTwilio = want.Code != 0
		require.Equal(t, &want, parseError(ans, private{secrets: []string{testSecret}, message: []string{"hello there"}}), body)
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

func TestCleanHidesWhatWasPrivate(t *testing.T) {
	const (
		password = "S3cr3t+/of<the>tests~~~?"
		account  = "ACuser:" + password
		body     = "Dear \"Zoë\",\n  100% of <5> & more &gt; ?\tat 1/2"
	)
	hide := private{secrets: []string{account, password}, message: []string{body}}
	quoted, err := json.Marshal(body)
	require.NoError(t, err)
	for name, echo := range map[string]string{
		"password":                 password,
		"password, letter case":    strings.ToUpper(password),
		"password, in a form":      url.QueryEscape(password),
		"password, lower-case hex": strings.ToLower(url.PathEscape(password)),
		"Basic":                    base64.StdEncoding.EncodeToString([]byte(account)),
		"Basic, no padding":        base64.RawStdEncoding.EncodeToString([]byte(account)),
		"Basic, URL alphabet":      base64.RawURLEncoding.EncodeToString([]byte(account)),
		"password in base64":       base64.RawStdEncoding.EncodeToString([]byte(password)),
		"password in base64url":    base64.RawURLEncoding.EncodeToString([]byte(password)),
		"body":                     body,
		"body, collapsed":          strings.Join(strings.Fields(body), " "),
		"body, in a form":          url.QueryEscape(body),
		"body, in a path":          url.PathEscape(body),
		"body, in JSON":            strings.Trim(string(quoted), `"`),
		"body, quoted":             fmt.Sprintf("%q", body),
		"body, quoted in ASCII":    fmt.Sprintf("%+q", body),
		"body, in HTML":            html.EscapeString(body),
		"body, in another's HTML":  strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;", ">", "&#x3e;").Replace(body),
	} {
		got := strings.NewReplacer(`"`, "", "=", "").Replace(clean("you said "+echo+" there", hide, maxText))
		require.Equal(t, "you said […] there", got, name)
	}
	for text, want := range map[string]string{
		"auth: Basic QUN1c2VyOm90aGVy x":      "auth: Basic […] x",
		"auth: bearer abc.def-ghi\",\n x":     "auth: bearer […] x",
		"key=" + password + body + " " + body: "key=[…] […]",
	} {
		require.Equal(t, want, clean(text, hide, maxText))
	}
}

func TestCleanHidesPhoneNumbersAndNoOthers(t *testing.T) {
	for _, number := range []string{
		"15550123456", "+15550123456", "(555) 012-3456", "+1/555/0123456", "+1.555.012.3456", "555\u2011012\u20113456", "+1\u2212555\u2013012\u20143456",
		"555\u00a0012\u20093456", "+1 (555)\t012\n3456", "555 - 0123", "+1 555\u00ad012\u200b3456", "１５５５０１２３４５６", "5550123",
	} {
		require.Equal(t, "to […] it", clean("to "+number+" it", private{}, maxText), number)
	}
	for _, text := range []string{
		"code 20404, status 404", "see errors/21211", "555-012", "at 12:34:56",
		"/v1/Services/KS01234567890123456789012345678901/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaa00000000 was not found",
		"dial tcp 192.168.100.100:443: connect: connection refused", "expired: current time 2026-01-02T03:04:05Z is after it",
	} {
		require.Equal(t, text, clean(text, private{}, maxText))
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
	f.Fuzz(func(t *testing.T, body []byte, secret string) {
		e := parseError(&answer{status: 503, body: body}, private{secrets: []string{secret}})
		require.Equal(t, 503, e.Status)
		require.GreaterOrEqual(t, e.Code, 0)
		require.LessOrEqual(t, utf8.RuneCountInString(e.Message), maxText)
		require.LessOrEqual(t, len(e.MoreInfo), maxLink)
		require.True(t, utf8.ValidString(e.Message))
		require.False(t, strings.ContainsFunc(e.Error(), unicode.IsControl))
		if secret = lowerASCII(plain(secret)); len(secret) >= minPrivate && !strings.ContainsAny(secret, "[…]") {
			require.NotContains(t, lowerASCII(e.Message), secret)
		}
		var whole struct{ Code *int }
		if json.Unmarshal(body, &whole) == nil && whole.Code != nil && *whole.Code > 0 && strings.Count(strings.ToLower(string(body)), "code") == 1 && strings.Contains(string(body), `"code"`) {
			require.Equal(t, *whole.Code, e.Code, "a complete body is read completely")
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
