package fake_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// The paths of the default resources.
const (
	servicePath     = "/v1/Services/" + fake.ServiceSid
	sessionPath     = servicePath + "/Sessions/" + fake.SessionSid
	participantPath = sessionPath + "/Participants/" + fake.ParticipantSid
	messagesPath    = participantPath + "/MessageInteractions"
)

// A server is a fake with a real listener on loopback.
type server struct {
	*fake.Fake
	t    *testing.T
	url  string
	seen map[string]bool // operations whose answers were checked; may be nil
}

func start(t *testing.T, config fake.Config) *server {
	f := fake.New(config)
	ts := httptest.NewServer(f)
	t.Cleanup(func() {
		require.NoError(t, f.Close())
		ts.Close()
	})
	return &server{Fake: f, t: t, url: ts.URL}
}

// A response is an HTTP response that was read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

// try makes one request on a new connection and returns the response or net/http's
// error.
func (s *server) try(method, path string, form url.Values) (response, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, s.url+path, body)
	require.NoError(s.t, err)
	r.SetBasicAuth(fake.AccountSid, "token")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return s.send(r)
}

func (s *server) send(r *http.Request) (response, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return response{}, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	got := response{status: answer.StatusCode, header: answer.Header, body: data}
	_ = json.Unmarshal(data, &got.json)
	return got, err
}

// do is like try, but the request must be answered. If the OpenAPI description is
// available, the answer must fit it.
func (s *server) do(method, path string, form url.Values) response {
	s.t.Helper()
	got, err := s.try(method, path, form)
	require.NoError(s.t, err)
	if d, err := readDescription(); err == nil {
		r, err := http.NewRequest(method, s.url+path, nil)
		require.NoError(s.t, err)
		if id := d.check(s.t, r, got); id != "" && s.seen != nil {
			s.seen[id] = true
		}
	}
	return got
}

// ok is like do, but the answer must have the given status.
func (s *server) ok(status int, method, path string, form url.Values) response {
	s.t.Helper()
	got := s.do(method, path, form)
	require.Equal(s.t, status, got.status, "%s", got.body)
	return got
}

// refused is like do, but the answer must be an error in Twilio's shape.
func (s *server) refused(status, code int, method, path string, form url.Values) {
	s.t.Helper()
	got := s.do(method, path, form)
	require.Equal(s.t, status, got.status, "%s", got.body)
	require.EqualValues(s.t, status, got.json["status"])
	require.EqualValues(s.t, code, got.json["code"], "%s", got.body)
	require.NotEmpty(s.t, got.json["message"])
	require.NotEmpty(s.t, got.json["more_info"])
}

// control calls the control interface with a JSON body. The answer must have the
// given status.
func (s *server) control(status int, method, path, body string) response {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	got, err := s.send(r)
	require.NoError(s.t, err)
	require.Equal(s.t, status, got.status, "%s", got.body)
	return got
}

func body(text string) url.Values { return url.Values{"Body": {text}} }

func text(v any) string { s, _ := v.(string); return s }

func TestDocumentedExample(t *testing.T) {
	f := fake.New(fake.Config{})
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	r := httptest.NewRequest("POST", "https://proxy.twilio.com"+messagesPath, strings.NewReader("Body=some+message"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(fake.AccountSid, "token")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
	require.Equal(t, "POST, OPTIONS", w.Header().Get("Access-Control-Allow-Methods"))

	var got map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	minted := text(got["sid"])
	require.Regexp(t, "^KIfa4e[0-9a-f]{28}$", minted)
	require.Regexp(t, "^SMfa4e[0-9a-f]{28}$", got["outbound_resource_sid"])
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, got["date_created"])
	require.Equal(t, map[string]any{
		"service_sid": fake.ServiceSid, "data": `{"body":"some message"}`,
		"date_created": got["date_created"], "date_updated": got["date_created"],
		"participant_sid": fake.ParticipantSid, "inbound_participant_sid": nil, "inbound_resource_sid": nil,
		"inbound_resource_status": nil, "inbound_resource_type": nil, "inbound_resource_url": nil,
		"outbound_participant_sid": fake.ParticipantSid, "outbound_resource_sid": got["outbound_resource_sid"],
		"outbound_resource_status": "sent", "outbound_resource_type": "Message", "outbound_resource_url": nil,
		"sid": minted, "type": "message", "url": "https://proxy.twilio.com" + messagesPath + "/" + minted,
		"account_sid": fake.AccountSid, "session_sid": fake.SessionSid,
	}, got)
	require.Equal(t, 1, f.Accepted())
}

func TestAuthentication(t *testing.T) {
	open := start(t, fake.Config{})
	guarded := start(t, fake.Config{Credentials: []fake.Credential{
		{Username: "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", Password: "token"}, {Username: "SKcccccccccccccccccccccccccccccccc", Password: "secret"},
	}})
	for name, test := range map[string]struct {
		server             *server
		username, password string
		status             int
	}{
		"any when none is configured":          {open, "x", "y", 200},
		"none when none is configured":         {open, "", "", 401},
		"account":                              {guarded, "ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "token", 200},
		"API key":                              {guarded, "SKcccccccccccccccccccccccccccccccc", "secret", 200},
		"wrong secret":                         {guarded, "SKcccccccccccccccccccccccccccccccc", "token", 401},
		"another's name":                       {guarded, "x", "token", 401},
		"none when credentials are configured": {guarded, "", "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest("GET", test.server.url+servicePath, nil)
			require.NoError(t, err)
			if test.username != "" {
				r.SetBasicAuth(test.username, test.password)
			}
			got, err := test.server.send(r)
			require.NoError(t, err)
			require.Equal(t, test.status, got.status)
			if test.status == 401 {
				require.EqualValues(t, 20003, got.json["code"])
			}
		})
	}
	for _, recorded := range guarded.Requests() {
		require.NotContains(t, recorded.Header.Get("Authorization"), "=")
	}
}

func TestControlRefusesOthers(t *testing.T) {
	f := fake.New(fake.Config{})
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	for address, status := range map[string]int{
		"192.0.2.1:1234": 403, "127.0.0.1:1234": 200, "[::1]:1234": 200, "[::ffff:127.0.0.1]:1": 200, "": 403, "[2001:db8::1]:80": 403,
	} {
		r := httptest.NewRequest("GET", "/_fake/accepted", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		require.Equal(t, status, w.Code, address)
	}
}

// A client of the API can set a CallbackUrl. That must not give it access to the
// control interface.
func TestControlRefusesCallbacks(t *testing.T) {
	s := start(t, fake.Config{})
	r, err := http.NewRequest("POST", s.url+"/_fake/reset", nil)
	require.NoError(t, err)
	r.Header.Set("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
	got, err := s.send(r)
	require.NoError(t, err)
	require.Equal(t, 403, got.status)
	require.NotEmpty(t, got.json["error"])
}
