package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// allTools are the flags that offer every tool.
var allTools = []string{"--tools", "send,find,read"}

// A toolCaller calls a tool over one transport in one revision of MCP.
type toolCaller func(t testing.TB, tool string, arguments any) answer

// eras are the revisions of MCP without and with a handshake.
var eras = []string{modern, legacy}

// calls returns a toolCaller over stdio.
func (p *process) calls(version string) toolCaller {
	return func(t testing.TB, tool string, arguments any) answer {
		t.Helper()
		a := p.wait(p.begin("tools/call", callParams(version, tool, arguments)))
		require.Nil(t, a.Error)
		return a
	}
}

// calls returns a toolCaller over Streamable HTTP.
func (s *site) calls(version string) toolCaller {
	caller := s.as("Mcp-Protocol-Version", version).as("Mcp-Method", "tools/call")
	return func(t testing.TB, tool string, arguments any) answer {
		t.Helper()
		r, err := caller.as("Mcp-Name", tool).ask(http.MethodPost, "/mcp", strings.NewReader(rpc(1, "tools/call", callParams(version, tool, arguments))))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.status, r.body)
		var a answer
		require.NoError(t, json.Unmarshal([]byte(r.body), &a), r.body)
		require.Nil(t, a.Error)
		return a
	}
}

func callParams(version, tool string, arguments any) map[string]any {
	params := map[string]any{"name": tool, "arguments": arguments}
	if version == modern {
		params["_meta"] = map[string]any{"io.modelcontextprotocol/protocolVersion": modern, "io.modelcontextprotocol/clientCapabilities": map[string]any{}}
	}
	return params
}

// everyWay runs a test over stdio and Streamable HTTP, in both eras, each with a server of its own. logs is what the
// server has logged, and over HTTP also its metrics, when it has ended.
func everyWay(t *testing.T, env []string, flags []string, test func(t *testing.T, call toolCaller) (after func(logs string))) {
	t.Helper()
	for _, version := range eras {
		t.Run("stdio "+version, func(t *testing.T) {
			t.Parallel()
			p := start(t, environment(t, env...), append([]string{"stdio", "--log-level", "debug"}, flags...)...)
			after := test(t, p.calls(version))
			p.stop()
			after(p.stderr.String())
		})
		t.Run("streamable HTTP "+version, func(t *testing.T) {
			t.Parallel()
			s := startHTTP(t, environment(t, env...), append([]string{"--log-level", "debug"}, flags...)...)
			after := test(t, s.calls(version))
			metrics := s.get("/metrics").body
			s.stop()
			after(s.stderr.String() + metrics)
		})
	}
}

// found is what find_participant answers.
type found struct {
	Match      string
	Candidates []candidate
	Searched   struct {
		Sessions, Pages int
		Complete        bool
	}
	Notice string
}

type candidate struct {
	ServiceSid, SessionSid, ParticipantSid string
	UniqueName                             string `json:"unique_name"`
	Status                                 string
	FriendlyName                           string `json:"friendly_name"`
	Identifier                             string
	Sendable                               bool
	WhyNot                                 string `json:"why_not"`
}

// followed is what get_interaction answers.
type followed struct {
	Status string
	Final  bool
	Notice string
}

// structured decodes the structured content of a success.
func structured[T any](t testing.TB, a answer) (value T) {
	t.Helper()
	require.False(t, a.Result.IsError, a.text())
	require.NoError(t, json.Unmarshal(a.Result.Structured, &value), "%s", a.Result.Structured)
	return value
}

// overStdio starts the binary for a client of the Go SDK.
func overStdio(t testing.TB, env []string, flags ...string) mcp.Transport {
	cmd := exec.Command(binary, append([]string{"stdio"}, flags...)...)
	cmd.Env = environment(t, env...)
	return &mcp.CommandTransport{Command: cmd}
}

// seed has the fake at this address begin anew with these Sessions, in one Service named Deliveries.
func seed(t testing.TB, base, sessions string) {
	t.Helper()
	var refusal struct{ Error string }
	r, err := http.Post(base+"/_fake/seed", "application/json", strings.NewReader(seedOf(sessions)))
	require.NoError(t, err)
	defer r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		require.NoError(t, json.NewDecoder(r.Body).Decode(&refusal))
		require.Fail(t, refusal.Error)
	}
}

func seedOf(sessions string) string {
	return `{"services":[{"sid":"` + fake.ServiceSid + `","unique_name":"Deliveries",
		"phone_numbers":[{"phone_number":"+15550109999"},{"phone_number":"+15550108888"}],"sessions":[` + sessions + `]}]}`
}

// writeSeed writes a seed into a file.
func writeSeed(t testing.TB, sessions string) string {
	path := filepath.Join(t.TempDir(), "seed.json")
	require.NoError(t, os.WriteFile(path, []byte(seedOf(sessions)), 0o600))
	return path
}

// sessionsNamed is the seed of Sessions without anybody in them, and of one more that is the oldest, and so the last that
// the fake lists.
func sessionsNamed(oldest string, others int, name string) string {
	var all strings.Builder
	all.WriteString(oldest)
	for n := range others {
		fmt.Fprintf(&all, `,{"unique_name":"`+name+`"}`, n)
	}
	return all.String()
}
