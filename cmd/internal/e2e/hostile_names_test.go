package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// hostileNames are names that would lead elsewhere if they stood in a path as they are.
var hostileNames = []string{
	"a/b", "/", "//", ".", "..", "...", "../Services", "../../v2/Accounts", "..%2f..", "%2e", "%2E%2e", "%2F", "%252e", "%", "%zz", "%00",
	"a b", " ", "a?PageSize=1", "a#b", "a;b=c", `\..\`, "a\r\nHost: evil.example", "a\nb", "\x00", "a@b:80", "http://evil.example/",
	"🚚 order 1234", "❤", "ﷺ", "Zoë", "e\u0301", "\u202e4321", "\u200d", strings.Repeat("x", 191), strings.Repeat("ü", 191), strings.Repeat("/", 191),
	fake.SessionSid + "/Participants", fake.ServiceSid + "%2FSessions", "KC" + strings.Repeat("a", 31), "Sessions", "_fake", "_fake/reset",
}

// A rawUpstream is an upstream that keeps the request lines as they come, before anything has parsed them.
type rawUpstream struct {
	url string

	mu    sync.Mutex
	lines []string
}

// startRawUpstream serves one Service and in it one Session without Participants, both only by their SIDs.
func startRawUpstream(t *testing.T) *rawUpstream {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	u := &rawUpstream{url: "http://" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go u.serve(conn)
		}
	}()
	return u
}

func (u *rawUpstream) serve(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewReader(conn)
	for {
		first, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		for header := first; strings.TrimSpace(header) != ""; {
			if header, err = lines.ReadString('\n'); err != nil {
				return
			}
		}
		u.mu.Lock()
		u.lines = append(u.lines, strings.TrimSpace(first))
		u.mu.Unlock()
		status, body := answerTo(strings.TrimSpace(first))
		fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
}

func answerTo(line string) (status, body string) {
	target, _, _ := strings.Cut(strings.TrimPrefix(line, "GET "), " ")
	path, _, _ := strings.Cut(target, "?")
	service, session := `{"sid":"`+fake.ServiceSid+`"}`, `{"sid":"`+fake.SessionSid+`"}`
	for known, body := range map[string]string{
		"/v1/Services":                    `{"services":[` + service + `],"meta":{}}`,
		sessionsPath:                      `{"sessions":[` + session + `],"meta":{}}`,
		sessionPath:                       session,
		sessionPath + "/Participants":     `{"participants":[],"meta":{}}`,
		"/v1/Services/" + fake.ServiceSid: service,
	} {
		if path == known {
			return "200 OK", body
		}
	}
	return "404 Not Found", `{"code":20404,"message":"not found","status":404}`
}

const sessionsPath = "/v1/Services/" + fake.ServiceSid + "/Sessions"

// taken returns the lines that have come since the last time.
func (u *rawUpstream) taken() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	lines := u.lines
	u.lines = nil
	return lines
}

// A name reaches its own path, as one element, or none. What is a step to elsewhere in a path, even when it is escaped
// (RFC 3986, 5.2.4), is never part of one.
func TestHostileNamesReachNoOtherPath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		what      string
		tool      string
		arguments func(name string) map[string]any
		parent    string   // of the path that belongs to the name; "" if none does
		others    []string // paths that do not depend on the name
	}{
		{"a Service's", "find_participant", func(name string) map[string]any { return map[string]any{"Service": name, "Session": "x"} },
			"/v1/Services", []string{"/v1/Services"}},
		{"a Service's, listed", "list_sessions", func(name string) map[string]any { return map[string]any{"Service": name} },
			"/v1/Services", []string{"/v1/Services"}},
		{"a Session's", "find_participant", func(name string) map[string]any { return map[string]any{"Service": fake.ServiceSid, "Session": name} },
			sessionsPath, []string{sessionsPath}},
		{"a Participant's", "find_participant", func(name string) map[string]any {
			return map[string]any{"Service": fake.ServiceSid, "Session": fake.SessionSid, "Participant": name}
		}, "", []string{sessionPath, sessionPath + "/Participants"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			for _, version := range eras {
				u := startRawUpstream(t)
				flags := []string{"--log-level", "error", "--rate-limit", "0"}
				p := start(t, environment(t, pointedAt(u.url)...), append([]string{"stdio"}, flags...)...)
				s := startHTTP(t, environment(t, pointedAt(u.url)...), flags...)
				for _, call := range []toolCaller{p.calls(version), s.calls(version)} {
					for _, name := range hostileNames {
						a := call(t, test.tool, test.arguments(name))
						requireOwnPaths(t, u.taken(), name, test.parent, test.others)
						require.NotContains(t, string(a.Result.Structured), `"match":"one"`, "%q", name)
					}
				}
				p.stop()
				s.stop()
			}
		})
	}
}

func requireOwnPaths(t *testing.T, lines []string, name, parent string, others []string) {
	t.Helper()
	for _, line := range lines {
		target, isGet := strings.CutPrefix(line, "GET ")
		target, isHTTP := strings.CutSuffix(target, " HTTP/1.1")
		require.True(t, isGet && isHTTP, "%q: %q", name, line)
		path, query, _ := strings.Cut(target, "?")
		require.Contains(t, []string{"", "PageSize=100"}, query, "%q: %q", name, line)
		if slices.Contains(others, path) {
			continue
		}
		above, element := path[:strings.LastIndexByte(path, '/')], path[strings.LastIndexByte(path, '/')+1:]
		require.NotEmpty(t, parent, "%q: %q", name, line)
		require.Equal(t, parent, above, "%q: %q", name, line)
		plain, err := url.PathUnescape(element)
		require.NoError(t, err, "%q: %q", name, line)
		require.Equal(t, name, plain, "%q", line)
		require.NotContains(t, []string{"", ".", ".."}, plain, "%q", line)
		require.Empty(t, query, "%q: %q", name, line)
	}
}

// The name that the operator gives with --service is held to the same.
func TestAHostileNameOfTheDefaultService(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a/b", "..", "%2e%2e", "%2F", "a b", "🚚"} {
		u := startRawUpstream(t)
		p := start(t, environment(t, pointedAt(u.url)...), "stdio", "--service", name)
		require.True(t, p.calls(modern)(t, "list_sessions", map[string]any{}).Result.IsError, name)
		requireOwnPaths(t, u.taken(), name, "/v1/Services", []string{"/v1/Services"})
		p.stop()
	}
}

// Sessions with such names are found by them, except that "." and ".." have no path and are found in the list.
func TestSessionsWithHostileNamesAreFoundByThem(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	var sessions []string
	for i, name := range hostileNames {
		unique, err := json.Marshal(name)
		require.NoError(t, err)
		sessions = append(sessions, fmt.Sprintf(`{"sid":"KC%032x","unique_name":%s,"participants":[{"identifier":"+1555010%04d"}]}`, i, unique, i))
	}
	require.NoError(t, u.Seed([]byte(seedOf(strings.Join(sessions, ",")))))
	s := startHTTP(t, environment(t, u.env...), "--rate-limit", "0")
	for i, name := range hostileNames {
		if strings.TrimSpace(name) == "" { // refused: it names nothing
			continue
		}
		whom := structured[found](t, s.calls(modern)(t, "find_participant", map[string]any{"Session": name}))
		require.Equal(t, "one", whom.Match, "%q: %+v", name, whom)
		require.Equal(t, fmt.Sprintf("KC%032x", i), whom.Candidates[0].SessionSid, "%q", name)
	}
	s.stop()
}
