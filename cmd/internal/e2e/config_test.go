package e2e

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// A user is somebody with a home and a working directory, which begin empty.
type user struct{ home, cwd, state string }

func newUser(t *testing.T) user { return user{t.TempDir(), t.TempDir(), t.TempDir()} }

// run runs the binary until it exits. With state "", the state directory is the one in the home directory.
func (u user) run(t *testing.T, env []string, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a server that was to be refused
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, arguments...)
	var out, errOut strings.Builder
	base := slices.DeleteFunc(environment(t), func(v string) bool { return strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "XDG_STATE_HOME=") })
	if u.state != "" {
		base = append(base, "XDG_STATE_HOME="+u.state)
	}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = u.cwd, append(append(base, "HOME="+u.home, "PWD="+u.cwd), env...), &out, &errOut
	if err := cmd.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// files lists what is in the user's directories.
func (u user) files(t *testing.T) (all []string) {
	t.Helper()
	for _, dir := range []string{u.home, u.cwd, u.state} {
		if dir == "" {
			continue
		}
		require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if path != dir {
				all = append(all, path)
			}
			return err
		}))
	}
	return all
}

// refused runs the binary, which must refuse to start: with status 2, words about this setting, and no trace.
func refused(t *testing.T, env []string, arguments []string, names, says string, secrets ...string) {
	t.Helper()
	t.Run(names+" "+says, func(t *testing.T) {
		t.Parallel()
		u := newUser(t)
		out, errOut, code := u.run(t, env, arguments...)
		what := strings.Join(append(slices.Clone(env), arguments...), " ")
		require.Equal(t, 2, code, "%q: %s", what, errOut)
		require.Empty(t, out, "%q", what)
		require.Contains(t, errOut, names, "%q", what)
		require.Contains(t, errOut, says, "%q", what)
		for _, secret := range secrets {
			require.NotContains(t, errOut, secret, "%q", what)
		}
		require.Empty(t, u.files(t), "%q", what)
	})
}

var sending = []string{"call", "send_message_interaction", "ServiceSid=" + fake.ServiceSid, "SessionSid=" + fake.SessionSid, "ParticipantSid=" + fake.ParticipantSid, "Body=hello"}

// What is wrong with any single value, and the words for it.
var misunderstood = map[string]string{
	"${X}": "${…}", "x{{ .X }}": "{{…}}", "$X": "$NAME", "%X%": "%NAME%", "/a/$X/b": "$NAME", `"x"`: "quotes", "'x'": "quotes",
	"x\ny": "control character", "\xff\xfex": "UTF-8", "\ufeff": "no value",
}

// Every flag of every subcommand, by the flag and by its variable. The list is the help's, so a new flag is in it.
func TestFlagsRefuseWhatIsNotUnderstood(t *testing.T) {
	one := regexp.MustCompile(`(?m)^ {2,6}--([a-z-]+)(?:=| {2}|$)`)
	variable := regexp.MustCompile(`\(\$(TWILIO_PROXY_MCP_[A-Z_]+)\)`)
	var flags int
	for _, command := range [][]string{{"tools"}, {"http"}, {"fake"}, {"history", "list"}, {"call", "send_message_interaction"}} {
		help, _, code := run(t, environment(t), "", append(slices.Clone(command), "--help")...)
		require.Zero(t, code)
		own, common, _ := strings.Cut(help, "Common flags:")
		if command[0] == "tools" {
			own = common
		}
		found := one.FindAllStringSubmatchIndex(own, -1)
		for i, at := range found {
			flag, end := own[at[2]:at[3]], len(own)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			named := variable.FindStringSubmatch(strings.Join(strings.Fields(own[at[0]:end]), " "))
			content := command[0] == "call" && flag == "idempotency-key"
			if content || flag == "help" || flag == "version" {
				continue
			}
			require.NotNil(t, named, flag)
			flags++
			refused(t, nil, append(slices.Clone(command), "--"+flag+"=${X}"), "--"+flag, "${…}", "${X}")
			refused(t, nil, append(slices.Clone(command), "--"+flag+`="x"`), "--"+flag, "quotes", `"x"`)
			refused(t, []string{named[1] + "=%X%"}, command, "--"+flag+" is set by "+named[1], "%NAME%", "%X%")
		}
	}
	require.Greater(t, flags, 30)
	refused(t, nil, []string{"tools", "--ledger", "'off'"}, "--ledger", "quotes", "off'")
	refused(t, nil, []string{"tools", "--ledger", "/caf\xe9"}, "--ledger", "not valid UTF-8", "/caf")
	refused(t, nil, []string{"tools", "--ledger=\xff\xfe"}, "--ledger", "not valid UTF-8")
}

func TestContentIsNoSetting(t *testing.T) {
	out, errOut, code := newUser(t).run(t, nil, append(slices.Clone(sending[:5]), `Body="${X}" $Y`, "--idempotency-key", "{{key}}")...)
	require.Zero(t, code, errOut)
	require.Contains(t, out, `${X}`)
	out, errOut, code = newUser(t).run(t, nil, append(slices.Clone(sending[:2]), `{"ServiceSid":"`+fake.ServiceSid+`","SessionSid":"`+fake.SessionSid+
		`","ParticipantSid":"`+fake.ParticipantSid+`","Body":"{{x}}"}`)...)
	require.Zero(t, code, errOut)
	require.Contains(t, out, `{{x}}`)
}

const secretValue = "0123456789abcdef0123456789abcdef"

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "value")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// Each setting that can hold a path, a secret or an address, with each thing that is wrong with it.
func TestSettingsRefuseWhatIsNotUnderstood(t *testing.T) {
	account, token := "TWILIO_ACCOUNT_SID="+fake.AccountSid, "TWILIO_AUTH_TOKEN="+secretValue
	onHTTP := []string{"http", "--addr", "127.0.0.1:0"}
	for value, says := range misunderstood {
		for _, name := range []string{"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_KEY", "TWILIO_API_SECRET", "TWILIO_PROXY_BASE_URL", "TWILIO_EDGE", "TWILIO_REGION", "TWILIO_AUTH_TOKEN_FILE"} {
			env := []string{account, token, name + "=" + value}
			if name == "TWILIO_AUTH_TOKEN_FILE" {
				env = []string{account, name + "=" + value}
			}
			if value == "\xff\xfex" {
				says = "UTF-16"
			}
			refused(t, env, sending, name, says, value, secretValue)
		}
		if says == "UTF-8" {
			says = "UTF-16"
		}
		refused(t, []string{"TWILIO_PROXY_MCP_LEDGER=" + value}, sending, "--ledger is set by TWILIO_PROXY_MCP_LEDGER", says, value)
		if value != "\ufeff" && value != "x\ny" { // an empty file is another sentence, and lines are many tokens
			refused(t, nil, append(slices.Clone(sending), "--ledger-file", file(t, value)), "--ledger-file", says, value)
			refused(t, []string{account, "TWILIO_AUTH_TOKEN_FILE=" + file(t, value)}, sending, "TWILIO_AUTH_TOKEN_FILE", says, value)
			refused(t, []string{"TWILIO_PROXY_MCP_TOKEN=" + value}, onHTTP, "TWILIO_PROXY_MCP_TOKEN", says, value)
			refused(t, nil, append(slices.Clone(onHTTP), "--token-file", file(t, firstToken+"\n"+value)), "--token-file", says, value, firstToken)
			refused(t, nil, []string{"fake", "--addr", "127.0.0.1:0", "--credential-file", file(t, value+"\n")}, "--credential-file", says, value)
			refused(t, nil, []string{"fake", "--addr", "127.0.0.1:0", "--credential-file", file(t, fake.AccountSid+":"+value+"\n")}, "--credential-file", "", value)
		}
	}
	utf16 := "\xff\xfeo\x00f\x00f\x00\n\x00"
	refused(t, nil, append(slices.Clone(sending), "--ledger-file", file(t, utf16)), "--ledger-file", "UTF-16")
	refused(t, nil, append(slices.Clone(onHTTP), "--token-file", file(t, utf16)), "--token-file", "UTF-16")
	refused(t, []string{account, "TWILIO_AUTH_TOKEN_FILE=" + file(t, utf16)}, sending, "TWILIO_AUTH_TOKEN_FILE", "UTF-16")
}
