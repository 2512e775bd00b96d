package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

const testSecret = "s3cr3t-of-the-tests"

var (
	testService     = schema.MustSid[schema.KS]("KS" + strings.Repeat("a", 32))
	testSession     = schema.MustSid[schema.KC]("KC" + strings.Repeat("a", 32))
	testParticipant = schema.MustSid[schema.KP]("KP" + strings.Repeat("a", 32))
	testMessage     = schema.CreateMessageInteraction{
		ServiceSid: testService, SessionSid: testSession, ParticipantSid: testParticipant, Body: "some message",
	}
)

const (
	createPath       = "/v1/Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Participants/KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/MessageInteractions"
	interactionsURL  = "/v1/Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Interactions"
	testRequestID    = "RQaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	documentedAnswer = `{"service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":"{\"body\":\"some message\"}","date_created":"2015-07-30T20:00:00Z","date_updated":"2015-07-30T20:00:00Z","participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","inbound_participant_sid":null,"inbound_resource_sid":null,"inbound_resource_status":null,"inbound_resource_type":null,"inbound_resource_url":null,"outbound_participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_status":"sent","outbound_resource_type":"Message","outbound_resource_url":null,"sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","type":"message","url":"https://proxy.twilio.com/v1/Services/KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Sessions/KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Participants/KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/MessageInteractions/KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","account_sid":"ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","session_sid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`
)

// testClient has a timeout that no passing test comes near.
func testClient(t testing.TB, baseURL string) *Client {
	c := &Client{BaseURL: baseURL, Username: "AC" + strings.Repeat("a", 32), Password: testSecret, Timeout: time.Minute}
	t.Cleanup(c.Close)
	return c
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestDocumentedExampleGoesThroughByteForByte(t *testing.T) {
	var wire *http.Request
	var body []byte
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		wire = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Twilio-Request-Id", testRequestID)
		w.Header().Set("Date", "Thu, 30 Jul 2015 20:00:01 GMT")
		io.WriteString(w, documentedAnswer)
	})
	c := testClient(t, s.URL+"/tw%2Filio/") // the prefix shows that the paths are joined correctly
	c.UserAgent = "twilio-proxy-mcp/1.2.3 (test)"

	created, err := c.CreateMessageInteraction(t.Context(), testMessage, nil)
	require.NoError(t, err)

	require.Equal(t, "POST", wire.Method)
	require.Equal(t, "/tw%2Filio"+createPath, wire.RequestURI)
	require.Equal(t, "Body=some+message", string(body))
	require.Equal(t, "HTTP/1.1", wire.Proto)
	require.Equal(t, int64(len(body)), wire.ContentLength)
	user, password, _ := wire.BasicAuth()
	require.Equal(t, c.Username, user)
	require.Equal(t, testSecret, password)
	wire.Header.Del("Authorization")
	require.Equal(t, http.Header{
		"Accept":         {"application/json"},
		"Content-Length": {"17"},
		"Content-Type":   {"application/x-www-form-urlencoded"},
		"User-Agent":     {"twilio-proxy-mcp/1.2.3 (test)"},
	}, wire.Header, "above all no Idempotency-Key")

	back, err := json.Marshal(created.Interaction)
	require.NoError(t, err)
	require.Equal(t, documentedAnswer, string(back))
	require.Empty(t, created.Misfits)
	require.NoError(t, created.Unreadable)
	require.Equal(t, testRequestID, created.RequestID)
	require.Equal(t, time.Date(2015, 7, 30, 20, 0, 1, 0, time.UTC), created.Date)
	require.Zero(t, created.Retries)
}

func TestMediaUrlIsARepeatedKey(t *testing.T) {
	var got string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		io.WriteString(w, documentedAnswer)
	})
	message := testMessage
	message.Body = ""
	message.MediaUrl = []string{"https://example.com/a?b=c&d=é", "http://example.com/2"}
	_, err := testClient(t, s.URL).CreateMessageInteraction(t.Context(), message, nil)
	require.NoError(t, err)
	require.Equal(t, "MediaUrl=https%3A%2F%2Fexample.com%2Fa%3Fb%3Dc%26d%3D%C3%A9&MediaUrl=http%3A%2F%2Fexample.com%2F2", got)
}

func TestInvalidRequestsNeverReachTheWire(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request reached the server") })
	c := testClient(t, s.URL)
	change := func(f func(*schema.CreateMessageInteraction)) schema.CreateMessageInteraction {
		m := testMessage
		f(&m)
		return m
	}
	for name, message := range map[string]schema.CreateMessageInteraction{
		"zero":           {},
		"no service":     change(func(m *schema.CreateMessageInteraction) { m.ServiceSid = schema.ServiceSid{} }),
		"no session":     change(func(m *schema.CreateMessageInteraction) { m.SessionSid = schema.SessionSid{} }),
		"no participant": change(func(m *schema.CreateMessageInteraction) { m.ParticipantSid = schema.ParticipantSid{} }),
		"nothing to say": change(func(m *schema.CreateMessageInteraction) { m.Body = "" }),
		"not UTF-8":      change(func(m *schema.CreateMessageInteraction) { m.Body = "\xff" }),
		"file URL":       change(func(m *schema.CreateMessageInteraction) { m.MediaUrl = []string{"file:///etc/passwd"} }),
		"traversal": change(func(m *schema.CreateMessageInteraction) {
			// A SID that does not parse leaves the field as it was, which is empty here.
			m.ServiceSid = schema.ServiceSid{}
			require.Error(t, m.ServiceSid.UnmarshalText([]byte("../../evil?x=")))
		}),
	} {
		_, err := c.CreateMessageInteraction(t.Context(), message, func(context.Context, int) error {
			t.Errorf("%s: the hook was called", name)
			return nil
		})
		require.ErrorAs(t, err, new(*NotSentError), name)
	}
	var err error
	for _, err = range c.ListInteractions(t.Context(), testService, schema.SessionSid{}, Paging{}) {
	}
	require.ErrorAs(t, err, new(*NotSentError))
}

func TestNoWayOfPrintingShowsTheSecret(t *testing.T) {
	c := &Client{BaseURL: "https://user:" + testSecret + "@example.com", Username: "ACuser", Password: testSecret}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T %v"} {
		fmt.Fprintf(&out, verb+"\n", c, c)
	}
	fmt.Fprintf(&out, "%v %+v %#v\n", struct{ C *Client }{c}, []*Client{c}, map[string]any{"c": c})
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("client", "client", c, "in", struct{ C *Client }{c}, "any", []any{c})
	}
	text, err := json.Marshal(map[string]any{"c": c})
	require.NoError(t, err)
	out.Write(text)
	fmt.Fprintln(&out, c.Check())
	fmt.Fprintln(&out, (*Client)(nil))
	require.NotContains(t, out.String(), testSecret)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", testSecret))
	require.NotContains(t, out.String(), "ACuser")
	require.Contains(t, out.String(), "twilio.Client(example.com)")
}

func TestCheckNamesTheFieldThatIsWrong(t *testing.T) {
	for field, c := range map[string]*Client{
		"BaseURL":         {BaseURL: "http://example.com", Username: "AC", Password: testSecret},
		"Username is":     {Password: testSecret},
		"Password is":     {Username: "AC"},
		"colon":           {Username: "AC:" + testSecret, Password: testSecret},
		"Username cont":   {Username: "AC\n", Password: testSecret},
		"Password cont":   {Username: "AC", Password: testSecret + "\n"},
		"UserAgent":       {Username: "AC", Password: testSecret, UserAgent: "a\r\nX: y"},
		"Timeout":         {Username: "AC", Password: testSecret, Timeout: -1},
		"MaxInFlight":     {Username: "AC", Password: testSecret, MaxInFlight: -1},
		"twilio.Client: ": {},
	} {
		err := c.Check()
		require.ErrorContains(t, err, field)
		require.NotContains(t, err.Error(), testSecret)
		_, err = c.CreateMessageInteraction(t.Context(), testMessage, nil)
		require.ErrorAs(t, err, new(*NotSentError), "a client that cannot work sends nothing")
		c.Close()
	}
	require.NoError(t, (&Client{Username: "AC", Password: testSecret}).Check())
}

func TestBaseURL(t *testing.T) {
	for _, test := range []struct{ override, edge, region, want, fails string }{
		{want: "https://proxy.twilio.com"},
		{edge: "dublin", region: "ie1", want: "https://proxy.dublin.ie1.twilio.com"},
		{edge: "sydney", want: "https://proxy.sydney.us1.twilio.com"},
		{region: "ie1", fails: "TWILIO_EDGE"},
		{edge: "evil.example.com/", fails: "TWILIO_EDGE"},
		{edge: "a", region: "-b", fails: "TWILIO_REGION"},
		{override: "https://example.com/x%2Fy/", edge: "dublin", want: "https://example.com/x%2Fy/"},
		{override: "http://127.0.0.1:8080", want: "http://127.0.0.1:8080"},
		{override: "http://127.9.9.9", want: "http://127.9.9.9"},
		{override: "http://[::1]:1/p", want: "http://[::1]:1/p"},
		{override: "http://localhost:1", region: "ie1", want: "http://localhost:1"},
		{override: "http://localhost.example.com", fails: "https://"},
		{override: "http://127.0.0.1.example.com", fails: "https://"},
		{override: "http://10.0.0.1", fails: "https://"},
		{override: "http://0.0.0.0", fails: "https://"},
		{override: "https://u:" + testSecret + "@example.com", fails: "credentials"},
		{override: "https://u@example.com", fails: "credentials"},
		{override: "https://example.com/?a=" + testSecret, fails: "query"},
		{override: "https://example.com?", fails: "query"},
		{override: "https://example.com#", fails: "fragment"},
		{override: "https://example.com/%zz" + testSecret, fails: "no URL"},
		{override: "https:example.com", fails: "host"},
		{override: "https://:443", fails: "host"},
		{override: "ftp://localhost", fails: "https://"},
		{override: "https://example.com/proxy/", want: "https://example.com/proxy/"},
		{override: "https://example.com/a/../proxy", fails: "in its path"},
		{override: "https://example.com/..", fails: "in its path"},
		{override: "https://example.com/proxy/.", fails: "in its path"},
		{override: "https://example.com/./proxy", fails: "in its path"},
		{override: "https://example.com/a/%2e%2E/proxy", fails: "in its path"},
		{override: "https://example.com/%2e/proxy", fails: "in its path"},
		{override: "https://example.com/a%2f..%2fproxy", fails: "in its path"},
		{override: "https://example.com//proxy", fails: "in its path"},
		{override: "https://example.com/%2Fproxy", fails: "in its path"},
		{override: "https://example.com/proxy//", fails: "in its path"},
		{override: "https://example.com//", fails: "in its path"},
		{override: `https://example.com/a\..\proxy`, fails: "in its path"},
		{override: "https://example.com/%5Cproxy", fails: "in its path"},
		{override: "https://example.com/.well-known/..proxy...", want: "https://example.com/.well-known/..proxy..."},
		{override: "https://proxy.twilio.com.", fails: "ends with a dot"},
		{override: "https://proxy.twilio.com.:443/", fails: "ends with a dot"},
		{override: "https://pröxy.example.com", fails: "xn--"},
		{override: "https://proxy。example.com", fails: "xn--"},
		{override: "https://example.com:0443", fails: "no port"},
		{override: "localhost:8080", fails: "https://"},
		{override: "/just/a/path", fails: "https://"},
	} {
		env := map[string]string{"TWILIO_PROXY_BASE_URL": test.override, "TWILIO_EDGE": test.edge, "TWILIO_REGION": test.region}
		got, err := BaseURL(func(name string) string { return env[name] })
		require.Equal(t, test.want, got, "%+v", test)
		if test.fails == "" {
			require.NoError(t, err)
			_, err = url.Parse(got)
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, test.fails)
		require.NotContains(t, err.Error(), testSecret)
	}
}
