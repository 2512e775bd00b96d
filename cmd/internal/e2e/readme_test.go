package e2e

import (
	"bufio"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the generated parts of the README")

const root = "../../../"

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(root + name)
	require.NoError(t, err)
	return string(content)
}

// section compares the part of the README between two markers with want. With
// -update it writes that part instead.
func section(t *testing.T, marker, want string) {
	t.Helper()
	readme := read(t, "README.md")
	begin, end := "<!-- "+marker+" -->\n", "<!-- /"+marker+" -->"
	before, rest, found := strings.Cut(readme, begin)
	require.True(t, found, begin)
	got, after, found := strings.Cut(rest, end)
	require.True(t, found, end)
	if *update {
		require.NoError(t, os.WriteFile(root+"README.md", []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, got, "the README is out of date; run: go test ./cmd/internal/e2e -run Readme -update")
}

func TestReadmeToolTable(t *testing.T) {
	out, _, code := run(t, environment(t), "", "tools", "--markdown", "--tools", "send,find,read")
	require.Zero(t, code)
	section(t, "tools", out)
}

func TestReadmeFlags(t *testing.T) {
	out, _, code := run(t, environment(t), "", "--help")
	require.Zero(t, code)
	var table strings.Builder
	table.WriteString("| flag | default | meaning |\n|---|---|---|\n")
	one := regexp.MustCompile(`(?m)^ +--([a-z-]+)(=\S+)?\s+((?:.*\n?(?: {20,}.*\n?)*))`)
	_, flags, _ := strings.Cut(out, "Flags:\n")
	flags, _, _ = strings.Cut(flags, "Commands:")
	for _, m := range one.FindAllStringSubmatch(flags, -1) {
		words := strings.Join(strings.Fields(m[3]), " ")
		meaning, _, hasEnv := strings.Cut(words, " ($TWILIO_")
		if !hasEnv {
			continue // --help and --version
		}
		value := strings.Trim(strings.TrimPrefix(m[2], "="), `"`)
		if strings.ToUpper(value) == value && strings.ContainsAny(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") || strings.Contains(value, "|") {
			value = ""
		} else {
			value = "`" + value + "`"
		}
		table.WriteString("| `--" + m[1] + "` | " + value + " | " + meaning + " |\n")
	}
	section(t, "flags", table.String())
}

// The README shows mcp.json.example.
func TestReadmeShowsTheExample(t *testing.T) {
	section(t, "mcp.json", "```json\n"+read(t, "mcp.json.example")+"```\n")
}

// The commands in the README work as they are, and lead from names to a message: the second has what the first found.
func TestReadmeCommands(t *testing.T) {
	readme := read(t, "README.md")
	commands := regexp.MustCompile("(?m)^go run ./cmd/twilio-proxy-mcp call .*$").FindAllString(readme, -1)
	require.Len(t, commands, 2)
	require.Contains(t, readme, "\ngo test ./...\n")
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell on this machine: the README's commands are not run")
	}
	fields := func(command string) (fields map[string]any) {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir, cmd.Env = root, environment(t)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, stderr.String())
		require.Contains(t, stderr.String(), "no real person was texted")
		require.NoError(t, json.Unmarshal(out, &fields))
		return fields
	}
	found := fields(commands[0])
	require.Equal(t, "one", found["match"])
	candidate := found["candidates"].([]any)[0].(map[string]any)
	require.Equal(t, true, candidate["sendable"])
	for _, name := range []string{"ServiceSid", "SessionSid", "ParticipantSid"} {
		require.Contains(t, commands[1], " "+name+"="+candidate[name].(string)+" ")
	}
	sent := fields(strings.Replace(commands[1], "go run ./cmd/twilio-proxy-mcp", `"`+binary+`"`, 1)) // the same program, built before
	require.Len(t, sent, 20)
	require.Equal(t, `{"body":"some message"}`, sent["data"])
}

// The README explains exactly the direct dependencies.
func TestReadmeDependencies(t *testing.T) {
	direct := map[string]bool{}
	for _, line := range strings.Split(read(t, "go.mod"), "\n") {
		if fields := strings.Fields(line); strings.HasPrefix(line, "\t") && len(fields) == 2 {
			direct[fields[0]] = true
		}
	}
	_, table, found := strings.Cut(read(t, "README.md"), "<!-- dependencies -->")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "<!-- /dependencies -->")
	given := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		given[m[1]] = true
	}
	require.Equal(t, direct, given)
}

type exampleFile struct {
	MCPServers map[string]struct {
		Command string
		Args    []string
		Env     map[string]string
		Type    string
		URL     string
	} `json:"mcpServers"`
}

func readExample(t *testing.T) exampleFile {
	t.Helper()
	var example exampleFile
	require.NoError(t, json.Unmarshal([]byte(read(t, "mcp.json.example")), &example))
	return example
}

// The command entry of mcp.json.example starts a server.
func TestExampleEntryStartsAServer(t *testing.T) {
	entry := readExample(t).MCPServers["twilio-proxy"]
	require.Equal(t, filepath.Base(binary), entry.Command)
	env := environment(t, "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, value := range entry.Env {
		env = append(env, name+"="+value)
	}
	p := start(t, env, entry.Args...)
	require.Equal(t, "sent", p.send("hello").outcome().Code)
	p.stop()
}

// The url entry is the address of a server started as the README says. That port
// may be in use on this machine, so the test uses a free one with the same path.
func TestExampleEntryConnectsOverHTTP(t *testing.T) {
	written := readExample(t).MCPServers["twilio-proxy-over-http"]
	require.Equal(t, "http", written.Type, "Claude Code skips an entry with a url and no type")
	entry, err := url.Parse(written.URL)
	require.NoError(t, err)
	require.Contains(t, read(t, "README.md"), "\ntwilio-proxy-mcp http --addr "+entry.Host+"\n")
	help, _, _ := run(t, environment(t), "", "http", "--help")
	require.Contains(t, help, `--addr="`+entry.Host+`"`, "the default address is the entry's")

	cmd := exec.Command(binary, "http", "--addr", "127.0.0.1:0")
	cmd.Env = environment(t)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	served, err := url.Parse(strings.TrimSpace(line))
	require.NoError(t, err)
	entry.Host = served.Host
	require.Equal(t, served.String(), entry.String())

	session, err := mcp.NewClient(&mcp.Implementation{Name: "editor", Version: "1"}, nil).
		Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: entry.String()}, nil)
	require.NoError(t, err)
	defer session.Close()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "send_message_interaction", Arguments: arguments("hello")})
	require.NoError(t, err)
	require.False(t, result.IsError)
}
