package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// startFakeCommand runs `twilio-proxy-mcp fake`. It returns the base URL and a
// function that stops the fake.
func startFakeCommand(t *testing.T, arguments ...string) (baseURL string, stop func()) {
	t.Helper()
	return startFakeCommandOf(t, func(*exec.Cmd) {}, arguments...)
}

// startFakeCommandOf is startFakeCommand. The test can change the command first.
func startFakeCommandOf(t *testing.T, change func(*exec.Cmd), arguments ...string) (baseURL string, stop func()) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"fake", "--addr", "127.0.0.1:0"}, arguments...)...)
	cmd.Env, cmd.Stderr = environment(t), os.Stderr
	change(cmd)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line), func() {
		t.Helper()
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait())
	}
}

func pointedAt(baseURL string) []string {
	return []string{"TWILIO_PROXY_BASE_URL=" + baseURL, "TWILIO_ACCOUNT_SID=" + fake.AccountSid, "TWILIO_AUTH_TOKEN=x", "TWILIO_PROXY_MCP_LEDGER=off"}
}

// ask sends one request to the fake. It returns the status, and decodes the JSON into into.
func ask(t *testing.T, method, url, body string, header http.Header, into any) int {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.SetBasicAuth(fake.AccountSid, "x")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		request.Header[name] = values
	}
	request.Host = header.Get("Host")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	if into != nil {
		require.NoError(t, json.NewDecoder(response.Body).Decode(into))
	}
	return response.StatusCode
}

func TestFakeCommandSurvivesARestart(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	url, stop := startFakeCommand(t, "--state", state)
	p := start(t, environment(t, pointedAt(url)...))
	require.Equal(t, "sent", p.send("before the restart").outcome().Code)
	stop()

	url, stop = startFakeCommand(t, "--state", state)
	defer stop()
	var list struct{ Interactions []struct{ Data string } }
	require.Equal(t, 200, ask(t, "GET", url+"/v1/Services/"+fake.ServiceSid+"/Sessions/"+fake.SessionSid+"/Interactions", "", nil, &list))
	require.Len(t, list.Interactions, 1)
	require.Equal(t, `{"body":"before the restart"}`, list.Interactions[0].Data)
}

func TestFakeCommandOwnsItsState(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	_, stop := startFakeCommand(t, "--state", state)
	_, errOut, code := run(t, environment(t), "", "fake", "--addr", "127.0.0.1:0", "--state", state)
	require.NotZero(t, code)
	require.Contains(t, errOut, "in use by another process")
	stop()
	_, stop = startFakeCommand(t, "--state", state)
	stop()
}

func TestFakeCommandBeginsWithASeed(t *testing.T) {
	seed := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(seed, []byte(`{"services":[{"unique_name":"shop"}]}`), 0o600))
	url, stop := startFakeCommand(t, "--seed", seed)
	defer stop()
	require.Equal(t, 200, ask(t, "GET", url+"/v1/Services/shop", "", nil, nil))
	require.Equal(t, 404, ask(t, "GET", url+"/v1/Services/"+fake.ServiceSid, "", nil, nil))
}

func TestFakeCommandAsksForItsCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	require.NoError(t, os.WriteFile(file, []byte("SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:secret\n"), 0o600))
	url, stop := startFakeCommand(t, "--credential-file", file)
	defer stop()
	var refusal struct{ Code int }
	require.Equal(t, 401, ask(t, "GET", url+"/v1/Services", "", nil, &refusal))
	require.Equal(t, 20003, refusal.Code)
}

// The fake only listens to other machines if flags say who may call.
func TestFakeCommandRefusesToBeOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	require.NoError(t, os.WriteFile(file, []byte("SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:secret\n"), 0o600))
	for _, flags := range [][]string{nil, {"--credential-file", file}, {"--allowed-hosts", "fake.example"}} {
		_, errOut, code := run(t, environment(t), "", append([]string{"fake", "--addr", "0.0.0.0:0"}, flags...)...)
		require.Equal(t, 2, code, errOut)
		require.Contains(t, errOut, "can be reached from other machines")
		require.Contains(t, errOut, "--credential-file")
		require.Contains(t, errOut, "--allowed-hosts")
	}
	url, stop := startFakeCommand(t, "--addr", "0.0.0.0:0", "--credential-file", file, "--allowed-hosts", "fake.example")
	defer stop()
	port := url[strings.LastIndex(url, ":"):]
	require.Equal(t, 401, ask(t, "GET", "http://127.0.0.1"+port+"/v1/Services", "", http.Header{"Host": {"fake.example"}}, nil))
}

func TestFakeCommandDeliversAtOnce(t *testing.T) {
	url, stop := startFakeCommand(t, "--sent-for", "0s")
	defer stop()
	var settings struct {
		SentFor string `json:"sent_for"`
	}
	require.Equal(t, 200, ask(t, "GET", url+"/_fake/settings", "", nil, &settings))
	require.Equal(t, "0s", settings.SentFor)
}

// A web page must not be able to drive the fake, on any route.
func TestFakeCommandIsGuarded(t *testing.T) {
	url, stop := startFakeCommand(t)
	defer stop()
	requireGuarded(t, url, 0)
	require.Equal(t, 200, ask(t, "GET", url+"/_fake/accepted", "", http.Header{"Origin": {url}}, nil), "the fake's own page may call")
}

// The built-in fake has its own port. The receipts contain it.
func TestBuiltInFakeIsGuarded(t *testing.T) {
	p := start(t, environment(t))
	defer p.stop()
	var message struct{ URL string }
	receipt := p.send("hello").Result.Structured
	require.NoError(t, json.Unmarshal(receipt, &message))
	at, err := url.Parse(message.URL)
	require.NoError(t, err)
	require.NotEmpty(t, at.Port(), "%s", receipt)
	port := "http://" + at.Host
	requireGuarded(t, port, 1)
	require.Equal(t, 403, ask(t, "POST", port+"/_fake/seed", "{}", http.Header{"Origin": {port}}, nil), "the built-in fake has no page on this port")
	require.Equal(t, 200, ask(t, "GET", port+"/_fake/accepted", "", nil, nil))
}

// requireGuarded sends requests as a foreign web page would. All must be refused,
// and the fake must still have accepted only this many messages.
func requireGuarded(t *testing.T, url string, accepted int) {
	t.Helper()
	create := "/v1/Services/" + fake.ServiceSid + "/Sessions/" + fake.SessionSid + "/Participants/" + fake.ParticipantSid + "/MessageInteractions"
	for _, route := range []struct{ method, path string }{{"POST", create}, {"GET", "/_fake/state"}, {"DELETE", "/_fake/faults"}, {"POST", "/_fake/reset"}, {"POST", "/_fake/seed"}, {"GET", "/"}} {
		require.Equal(t, 403, ask(t, route.method, url+route.path, "Body=x", http.Header{"Origin": {"http://evil.example"}}, nil), route.path)
		require.Equal(t, 403, ask(t, route.method, url+route.path, "Body=x", http.Header{"Host": {"evil.example"}}, nil), route.path)
		require.Equal(t, 403, ask(t, route.method, url+route.path, "Body=x", http.Header{"Host": {"evil.example"}, "Origin": {"http://evil.example"}}, nil), route.path)
	}
	all, err := http.NewRequest("OPTIONS", url, nil) // "OPTIONS *"
	require.NoError(t, err)
	all.URL.Opaque, all.Host = "*", "evil.example"
	response, err := http.DefaultClient.Do(all)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, 403, response.StatusCode)
	var count struct{ Accepted int }
	require.Equal(t, 200, ask(t, "GET", url+"/_fake/accepted", "", nil, &count))
	require.Equal(t, accepted, count.Accepted)
}

// A page from an allowed origin may use all methods of the API.
func TestFakeCommandAnswersPreflights(t *testing.T) {
	url, stop := startFakeCommand(t, "--allowed-origins", "https://app.example")
	defer stop()
	request, err := http.NewRequest("OPTIONS", url+"/v1/Services/"+fake.ServiceSid, nil)
	require.NoError(t, err)
	request.Header.Set("Origin", "https://app.example")
	request.Header.Set("Access-Control-Request-Method", "DELETE")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, 204, response.StatusCode)
	require.Equal(t, "GET, POST, PUT, DELETE", response.Header.Get("Access-Control-Allow-Methods"))
}

// An open event feed of the fake's page must not delay the end of the server.
func TestEventFeedEndsWithTheServer(t *testing.T) {
	s := startHTTP(t, environment(t))
	response, err := s.client.Get(s.url + "/_fake/events")
	require.NoError(t, err)
	defer response.Body.Close()
	_, err = bufio.NewReader(response.Body).ReadString('\n')
	require.NoError(t, err)
	begun := time.Now()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	<-s.ended
	require.Less(t, time.Since(begun), 4*time.Second, "the server waits 5 seconds for answers that do not end")
	require.True(t, s.cmd.ProcessState.Success(), s.stderr.String())
}

func TestFakeCommandCapsPages(t *testing.T) {
	url, stop := startFakeCommand(t, "--max-page-size", "2")
	defer stop()
	session := url + "/v1/Services/" + fake.ServiceSid + "/Sessions/" + fake.SessionSid
	for range 3 {
		require.Equal(t, 200, ask(t, "POST", session+"/Participants/"+fake.ParticipantSid+"/MessageInteractions", "Body=hello", nil, nil))
	}
	var list struct{ Interactions []any }
	require.Equal(t, 200, ask(t, "GET", session+"/Interactions?PageSize=1000", "", nil, &list))
	require.Len(t, list.Interactions, 2)
	for _, wrong := range []string{"0", "-1", "1001"} {
		_, errOut, code := run(t, environment(t), "", "fake", "--addr", "127.0.0.1:0", "--max-page-size="+wrong)
		require.Equal(t, 2, code, errOut)
		require.Contains(t, errOut, "--max-page-size must be from 1 to 1000, and is "+wrong)
	}
}
