package config

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// env is a user's environment.
func env(values map[string]string) func(string) string {
	all := map[string]string{"HOME": "/home/me", "USERPROFILE": `C:\Users\me`, "AppData": `C:\Users\me\AppData\Roaming`}
	maps.Copy(all, values)
	return func(name string) string { return all[name] }
}

func TestValue(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "\ufeffoff": "off", "two words": "two words",
		"/srv/it's/ledger.db": "/srv/it's/ledger.db", `5"`: `5"`, `"`: `"`, "pa$word": "pa$word", "100%": "100%", "$5": "$5", "%20": "%20",
		"https://h/a%20b/%41%42/c?d=%7B": "https://h/a%20b/%41%42/c?d=%7B", "https://h/%41bc": "https://h/%41bc",
		"a{b}c": "a{b}c", "${": "${", "$(": "$(", "a$)(b": "a$)(b", "(x)$": "(x)$", "“x": "“x", "x»": "x»", "}}{{": "}}{{", "/a$b/c": "/a$b/c", "a<b>c": "a<b>c", "<": "<", "<>": "<>", "<a": "<a", "a>": "a>", "<a>b<c>d": "<a>b<c>d", "/ü/日本": "/ü/日本",
	} {
		got, err := Value(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for text, says := range map[string]string{
		"${X}": "${…}", "a${X}b": "${…}", "${X:-y z}": "${…}", "${env:HOME}/l.db": "${…}", "${{ secrets.X }}": "${…}",
		"$(X)": "$(…)", "/srv/$(X)/l.db": "$(…)", "postgres://u:$(P-W.2)@h/db": "$(…)", "$(cat /run/secrets/x)": "$(…)",
		"{{ .Token }}": "{{…}}", "x{{y}}": "{{…}}",
		"$X": "$NAME", " $X ": "$NAME", "/a/ %X% /b": "%NAME%", "$HOME/l.db": "$NAME", "/srv/$USER/l.db": "$NAME", `C:\$X\l.db`: "$NAME", "https://h/$X": "$NAME", "$env:APPDATA": "$NAME",
		"%APPDATA%/l.db": "%NAME%", "%X%": "%NAME%", `%ProgramFiles(x86)%\l.db`: "%NAME%", "https://%HOST%/": "%NAME%", "/a/%AB%/c": "%NAME%", "%my-token 2%": "%NAME%",
		"<your-token>": "<…>", " <your token> ": "<…>", "https://<host>/": "<…>", "https://u:<password>@h": "<…>", "postgres://<user>:p@h/db": "<…>", "https://<host>:8080": "<…>", "https://<tenant>.auth.example/": "<…>", "https://auth.<domain>": "<…>", "/srv/<name>.db": "<…>", "/srv/<name>/l.db": "<…>", "postgres://h/<db>?sslmode=disable": "<…>",
		`"off"`: "quotes", "'off'": "quotes", "`off`": "quotes", "“off”": "quotes", "„off“": "quotes", "„off”": "quotes", "”off”": "quotes", "‚off‘": "quotes", "’off’": "quotes", "«off»": "quotes", "»off«": "quotes", "‹off›": "quotes", ` "off" `: "quotes", `""`: "quotes", "\ufeff\"x\"": "quotes",
		"a\nb": "U+000A", "a\tb": "U+0009", "a\x1bb": "U+001B", "a\x7fb": "U+007F", "a\u0085b": "U+0085", "a\u2028b": "U+2028", "a\u2029b": "U+2029", "a\ufeffb": "U+FEFF", "ab\x00": "U+0000",
		"\xff\xfeo\x00": "UTF-16", "\xfe\xff\x00o": "UTF-16", "o\x00f\x00f\x00": "UTF-16", "\x00o\x00f": "UTF-16",
		"caf\xe9": "not valid UTF-8", "\ufeff": "no value",
	} {
		got, err := Value(text)
		require.ErrorContains(t, err, says, "%q", text)
		require.Empty(t, got)
	}
}

func TestSamplesAreNoSecrets(t *testing.T) {
	for _, secret := range []string{"", "0123456789abcdef", "yours", "the-token", "your", "Yours-truly-0123456789"} {
		require.False(t, IsSample(secret), secret)
	}
	for _, sample := range []string{"your_auth_token", "your-token-here", "YOUR TOKEN", "Your_Auth_Token"} {
		require.True(t, IsSample(sample), sample)
	}
}

func TestPathsThatCannotHoldAFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the paths in this test are those of Unix")
	}
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	require.NoError(t, os.WriteFile(there, nil, 0o600))
	for _, path := range []string{there, filepath.Join(dir, "new"), filepath.Join(dir, "a", "b", "new")} {
		require.NoError(t, CheckFile(path), path)
	}
	for path, says := range map[string]string{
		dir: "directory", os.DevNull: "no regular file", filepath.Join(there, "x"): "a file where a directory must be",
		filepath.Join(there, "x", "y", "z"): "a file where a directory must be", filepath.Join(dir, strings.Repeat("x", 300)): "too long",
	} {
		require.ErrorContains(t, CheckFile(path), says, path)
	}
}

func TestFilesWithValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for content, want := range map[string]string{"x": "x", "x\n": "x", "\ufeff x \r\n": "x", "two words\n": "two words"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got, err := Read(path)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for content, says := range map[string]string{"": "empty", "\n": "empty", "\ufeff\n": "empty", "a\nb\n": "U+000A", "\"a\"\n": "quotes", "\xff\xfea\x00\n\x00": "UTF-16"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := Read(path)
		require.ErrorContains(t, err, says, "%q", content)
	}
	missing := filepath.Join(t.TempDir(), "secret")
	_, err := Read(missing)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotContains(t, err.Error(), "secret", "the name may be a secret in the wrong place")
	_, err = ReadWords(missing)
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(path, []byte("\ufeffone two\r\n\n  three\n"), 0o600))
	words, err := ReadWords(path)
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two", "three"}, words)
	for text, says := range map[string]string{
		"one\n${TWO}": "line 2", "${{ secrets.TOKEN }}": "${…}", "one \"two\"": "quotes", "\"one two\"": "quotes", "one\n\ufeff'two'": "quotes",
		"\xfe\xff\x00a": "UTF-16", "one $TWO": "$NAME", "a\x00": "UTF-16", "a\tb": "U+0009",
	} {
		words, err := Words(text)
		require.ErrorContains(t, err, says, "%q", text)
		require.Empty(t, words)
	}
}

func TestFileNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the paths in this test are those of Unix")
	}
	for text, want := range map[string]string{"": "", "a": "a", "/a": "/a", "~/a": "/home/me/a", "\ufeff~/a": "/home/me/a", "a~": "a~", "./~/a": "./~/a"} {
		got, err := File(text, env(nil))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"~", "~you/a", `~\a`} {
		_, err := File(text, env(nil))
		require.ErrorContains(t, err, "~user/", text)
	}
	for _, home := range []string{"", "me", "${X}", "/home/$USER", `"/home/me"`} {
		_, err := File("~/a", env(map[string]string{"HOME": home}))
		require.ErrorContains(t, err, "HOME", home)
	}
	_, err := File("~/}", env(map[string]string{"HOME": "/home/${"}))
	require.ErrorContains(t, err, "${…}")
}

func TestLedgers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the paths in this test are those of Unix")
	}
	for text, want := range map[string]Ledger{
		"off": {Off: true}, "OFF": {Off: true}, "\ufeffOff": {Off: true},
		"/a/l.db": {Path: "/a/l.db"}, "~/l.db": {Path: "/home/me/l.db"}, "/a/../l.db": {Path: "/a/../l.db"}, "/a b/50%/l.db": {Path: "/a b/50%/l.db"},
		"postgres://u:p%20w@h:1,i:2/db?sslmode=disable": {DSN: "postgres://u:p%20w@h:1,i:2/db?sslmode=disable"}, "postgresql:///db": {DSN: "postgresql:///db"},
		"postgres://u%40v:p@h/d%40b?user=a@b": {DSN: "postgres://u%40v:p@h/d%40b?user=a@b"}, "postgres://u:a@b@h/db": {DSN: "postgres://u:a@b@h/db"},
		"/srv/host=a/password=b/l.db": {Path: "/srv/host=a/password=b/l.db"}, "/srv/a://b/l.db": {Path: "/srv/a://b/l.db"},
	} {
		got, err := ParseLedger(text, env(nil))
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for text, says := range map[string]string{
		"": "absolute", "l.db": "absolute", "./l.db": "absolute", "../l.db": "absolute", ":memory:": "absolute", "file:/a/l.db": "absolute", "file:///a/l.db": "absolute",
		"sqlite:///a/l.db": "absolute", `C:\l.db`: "absolute", "C:l.db": "absolute", `\\server\share\l.db`: "absolute", "of": "absolute", " off": "absolute",
		"host=h password=p": "absolute", "POSTGRES://h/db": "absolute", "postgres:/h": "absolute", "mysql://h/db": "absolute",
		"/a/": "directory", "~/": "directory", "~": "~user/", "~me/l.db": "~user/",
		"${X}": "${…}", "$HOME/l.db": "$NAME", "%APPDATA%/l.db": "%NAME%", `"off"`: "quotes",
		"postgres://u:p@h/%zz": "no valid", "postgres://u:p w%@h/db": "no valid", "postgres://u:1/p@h/db": "no valid", "postgres://u:1?p@h/db": "no valid", "postgres://u:1#p@h/db": "no valid", "postgres://u:p@1/p@h/db": "no valid",
		"postgres://u:${PW}@h/db": "${…}", "postgres://$HOST/db": "$NAME",
	} {
		got, err := ParseLedger(text, env(nil))
		require.ErrorContains(t, err, says, text)
		require.Zero(t, got)
	}
	require.Equal(t, "postgres://h:1/db", DSNName("postgres://u:p@h:1/db?password=p", env(nil)))
	require.Equal(t, "postgres:///db", DSNName("postgres:///db", env(nil)))
	require.Equal(t, "postgres:///run/pg/db", DSNName("postgres://u:p@?host=/run/pg&dbname=db", env(nil)))
	require.Equal(t, "postgres", DSNName("postgres://u:p@%zz", env(nil)))
	require.Equal(t, "postgres://pg:5433/sends?options=-csearch_path%3Db", DSNName("postgres:///",
		env(map[string]string{"PGHOST": "pg", "PGPORT": "5433", "PGDATABASE": "sends", "PGOPTIONS": "-csearch_path=b"})))
	// Another schema is another ledger.
	require.Equal(t, "postgres://h/db?search_path=team_a", DSNName("postgres://u:p@h/db?sslmode=disable&search_path=team_a&password=p", env(nil)))
	require.Equal(t, "postgres://h/db?options=-csearch_path%3Db", DSNName("postgres://h/db?options=-csearch_path%3Db", env(nil)))
}

func TestStateDirectory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems have other directories")
	}
	const usual = "/home/me/.local/state/twilio-proxy-mcp"
	for xdg, want := range map[string]string{"": usual, "state": usual, "./state": usual, "~/state": usual, "/s": "/s/twilio-proxy-mcp", "\ufeff/s": "/s/twilio-proxy-mcp"} {
		got, err := StateDirectory(env(map[string]string{"XDG_STATE_HOME": xdg}))
		require.NoError(t, err, xdg)
		require.Equal(t, want, got)
	}
	for _, xdg := range []string{"$HOME/state", "/s/${X}", `"/s"`, "/s\n"} {
		_, err := StateDirectory(env(map[string]string{"XDG_STATE_HOME": xdg}))
		require.ErrorContains(t, err, "XDG_STATE_HOME", xdg)
	}
	for _, home := range []string{"", "me", "/home/$USER"} {
		_, err := StateDirectory(env(map[string]string{"HOME": home}))
		require.ErrorContains(t, err, "HOME", home)
	}
}

// Whatever the settings are: a ledger's path is absolute, and no value has a placeholder in it.
func FuzzConfiguration(f *testing.F) {
	for _, text := range []string{
		"~/ledger.db", "ledger.db", "$HOME/l.db", "${X}", "%APPDATA%/l.db", ":memory:", "file:/abs/l.db", "OFF", `"off"`, "\ufeff/abs/l.db", "/abs/l.db",
		"${TWILIO_PROXY_MCP_TOKEN}", "$(TWILIO_PROXY_MCP_TOKEN)", "{{ .Token }}", "one\n$TWO three", "\xff\xfeo\x00", "postgres://u:${P}@h/db", "~user/l.db", "a\x00b", "https://h/%41%42/%20",
	} {
		f.Add(text, "/home/me", "")
		f.Add("~/l.db", text, "")
		f.Add(text, "home/me", text)
	}
	f.Fuzz(func(t *testing.T, text, home, xdg string) {
		getenv := func(name string) string {
			return map[string]string{"HOME": home, "USERPROFILE": home, "AppData": home, "XDG_STATE_HOME": xdg}[name]
		}
		for _, of := range []string{text, strings.TrimSpace(text)} { // a variable, and what a file holds
			if where, err := ParseLedger(of, getenv); err == nil {
				require.Equal(t, 1, count(where.Off, where.DSN != "", where.Path != ""))
				require.True(t, where.Path == "" || filepath.IsAbs(where.Path), "%q", where.Path)
				requireUnderstood(t, where.Path)
				requireUnderstood(t, where.DSN)
				require.True(t, where.DSN == "" || strings.HasPrefix(where.DSN, "postgres"))
			}
		}
		if dir, err := StateDirectory(getenv); err == nil {
			require.True(t, filepath.IsAbs(dir), "%q", dir)
			requireUnderstood(t, dir)
		}
		words, err := Words(text)
		for _, word := range words {
			require.NoError(t, err)
			require.NotEmpty(t, word)
			requireUnderstood(t, word)
		}
	})
}

func count(all ...bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

var anyPlaceholder = regexp.MustCompile(`(?s)\$\{.*\}|\$\(.*\)|\{\{.*\}\}|(^|[/\\])\$[A-Za-z_]\w*($|[/\\])|(^|[/\\])%[A-Za-z_]\w*%($|[/\\])`)

// requireUnderstood says by itself what must not be in a value.
func requireUnderstood(t *testing.T, value string) {
	t.Helper()
	require.False(t, anyPlaceholder.MatchString(value), "%q", value)
	require.False(t, strings.ContainsFunc(value, unicode.IsControl), "%q", value)
	require.False(t, strings.HasPrefix(value, "\ufeff"), "%q", value)
	require.False(t, len(value) > 1 && value[0] == value[len(value)-1] && slices.Contains([]byte("\"'`"), value[0]), "%q", value)
}
