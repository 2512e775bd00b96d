package twilio

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Twilio's own words are not the caller's message.
func TestTwiliosWordsAreNotHidden(t *testing.T) {
	for body, says := range map[string]string{
		"auth":         "Authenticate",
		"AUTH":         "Authenticate",
		"Authenticate": "Authenticate",
		"Many":         "Too Many Requests",
		"error":        "An error occurred",
		"sess":         "Session is closed and cannot be updated",
		"inter":        "Invalid Interaction Sid",
		"thor":         "Unauthorized. You may be trying to use an invalid combination of sids.",
		"2040":         "see the page on 20404",
		"aaaa":         "Participant KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa has left",
		"Participants": "The requested resource /Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Participants/KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/MessageInteractions was not found",
		"resource":     "The requested resource was not found",
	} {
		require.Equal(t, says, clean(says, private{message: []string{body}}, maxText), body)
	}
	const page = "https://www.twilio.com/docs/errors/20404"
	for _, body := range []string{"docs", "errors", "twilio", "https", "20404"} {
		require.Equal(t, page, twilioLink(page, 20404, private{message: []string{body}}), body)
	}
	require.Empty(t, twilioLink("https://www.twilio.com/docs/hello", 20404, private{message: []string{"hello"}}))
	require.Empty(t, twilioLink(page, 20404, private{secrets: []string{"docs"}}), "a credential is hidden everywhere")
}

// What Twilio echoes is hidden, even a single word, and even one that Twilio uses.
func TestAnEchoOfTheMessageIsHidden(t *testing.T) {
	for _, body := range []string{"auth", "Authenticate", "hello", "493021", "A1B2C3", "yes!", "Grüße", "ответ", "你好", "👍", "not found", "see you at 8", "resource", "KPaa", "\"auth\""} {
		quoted, err := json.Marshal(body)
		require.NoError(t, err)
		for name, echo := range map[string]string{
			"plain": body, "upper case": strings.ToUpper(body), "in a form": "Body=" + url.QueryEscape(body), "in a path": "/a/" + url.PathEscape(body) + "/b",
			"in a form, in quotes": "Body=" + url.QueryEscape("'"+body+"'") + "&x=y", "after an escaped slash": "a%2F" + url.QueryEscape(body) + "%2Fb",
			"in JSON": string(quoted), "after a line break in JSON": `a\n` + body + `\nb`, "after an escape in JSON": `\u003c` + body + `\u003e`, "after an escape of Go": `\x1f` + body,
			"in HTML": html.EscapeString("<" + body + ">"), "in HTML twice": html.EscapeString(html.EscapeString("'" + body + "'")), "quoted": fmt.Sprintf("%q", body), "in ASCII": fmt.Sprintf("%+q", body),
			"in quotes": "‘" + body + "’", "with an underscore": "_" + body + "_", "at the end": "x: " + body + ".",
			"in mail": "=0D=0A" + body + "=0D", "in base64": base64.StdEncoding.EncodeToString([]byte(body)), "in base64url": base64.RawURLEncoding.EncodeToString([]byte(body)),
		} {
			if (name == "upper case" || name == "in HTML twice") && !isWord(body) {
				continue // as documented: other letters have a case, and other characters are changed twice
			}
			got := clean("The body "+echo+" is not allowed", private{message: []string{body}}, maxText)
			require.Contains(t, got, "[…]", "%s %s", body, name)
			require.NotContains(t, lowerASCII(got), lowerASCII(strings.Trim(body, `"`)), "%s %s", body, name)
		}
	}
	for _, test := range []struct{ body, says, want string }{
		{"493021", "code493021 and KS493021ab", "code[…] and KS[…]ab"}, // a code of digits is found after letters
		{"auth", "auth2 éauthé auth-auth auth", "[…]2 é[…]é […]-[…] […]"},
		{"auth", "Authenticate: auth is no body", "Authenticate: […] is no body"},
		{"hello there", "Othello thereby", "Ot[…]by"}, // more than a word is hidden wherever it is
		{"Grüße", "xGrüßex", "x[…]x"},
		{"hey", "you said hey", "you said hey"}, // too short, as ever
		{"Authenticate", "Authenticate, please", "[…], please"},
	} {
		require.Equal(t, test.want, clean(test.says, private{message: []string{test.body}}, maxText))
	}
	media := private{message: []string{"https://example.com/a", "see me"}}
	require.Equal(t, "[…]/b x[…] and […]", clean("https://example.com/a/b xhttps://example.com/a and https%3A%2F%2Fexample.com%2Fa", media, maxText))
}

// A credential is hidden wherever it is: it is worth more than Twilio's words.
func TestACredentialIsHiddenWithinWords(t *testing.T) {
	for says, want := range map[string]string{
		"Authenticate": "[…]enticate", "An error occurred": "An error occurred", "xauthx": "x[…]x", "Unauthorized": "Un[…]orized",
		base64.StdEncoding.EncodeToString([]byte("auth")): "[…]==",
	} {
		require.Equal(t, want, clean(says, private{secrets: []string{"auth"}}, maxText))
		require.Equal(t, want, clean(says, private{secrets: []string{"auth"}, message: []string{"auth"}}, maxText), "nor does an equal message change that")
	}
	require.Equal(t, "[…]", clean("Authenticate", private{secrets: []string{"Authenticate"}}, maxText))
}

// The same through the whole client.
func TestAOneWordMessageLeavesTwiliosWordsWhole(t *testing.T) {
	for _, test := range []struct{ body, password, says, want string }{
		{"auth", testSecret, "Authenticate", "Authenticate"},
		{"Authenticate", testSecret, "Authenticate", "Authenticate"},
		{"auth", "auth", "Authenticate", "[…]enticate"},
		{"493021", testSecret, "The body 493021 is not allowed", "The body […] is not allowed"},
		{"auth", testSecret, "Body=auth", "Body=[…]"},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, fmt.Sprintf(`{"code":20003,"message":%q,"more_info":"https://www.twilio.com/docs/errors/20003","status":401}`, test.says))
		})
		c := testClient(t, s.URL)
		c.Password = test.password
		message := testMessage
		message.Body = test.body
		_, err := c.CreateMessageInteraction(t.Context(), message, nil)
		refused, ok := asError(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, test.want, refused.Message)
		require.Equal(t, "https://www.twilio.com/docs/errors/20003", refused.MoreInfo)
	}
}

// A body that is one word is nowhere left as a whole word, unless Twilio says that
// word whatever was sent.
func FuzzOneWordIsHidden(f *testing.F) {
	f.Add("The body 'auth' is not allowed", "auth")
	f.Add("Authenticate", "auth")
	f.Add("code%27493021", "493021")
	f.Fuzz(func(t *testing.T, says, body string) {
		if !isWord(body) || len(body) < minPrivate || isTwiliosOwn(plain(html.UnescapeString(says))) {
			return
		}
		got := lowerASCII(clean(says, private{message: []string{body}}, 1<<20))
		eachIndex(got, lowerASCII(body), func(from, to int) {
			require.False(t, standsAlone(got, from, to), got)
		})
	})
}

// Browsers and strict servers do not escape text for a URL as Go does.
func TestEveryEscapeForAURLIsHidden(t *testing.T) {
	for name, echo := range map[string]string{
		"encodeURIComponent": "It's%20at%205%3A30%20(or%206)%2C%20Zo%C3%AB!%20a%26b*",
		"RFC 3986":           "It%27s%20at%205%3A30%20%28or%206%29%2C%20Zo%C3%AB%21%20a%26b%2A",
		"lower case":         "it%27s%20at%205%3a30%20%28or%206%29%2c%20zo%c3%ab%21%20a%26b%2a",
	} {
		got := clean("bad: "+echo+" .", private{message: []string{"It's at 5:30 (or 6), Zoë! a&b*"}}, maxText)
		require.Equal(t, "bad: […] .", got, name)
	}
}

// Base64 has no words in it: that of a single word is hidden within other letters, too.
func TestAWordInBase64IsHiddenAnywhere(t *testing.T) {
	require.Equal(t, "bad: x[…]y .", clean("bad: xcGFzc3dvcmQxy .", private{message: []string{"password1"}}, maxText))
}
