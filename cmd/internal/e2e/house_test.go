package e2e

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowedImports are the packages of this module that each package may import.
// There are no cycles, and no tool imports another tool.
var allowedImports = map[string][]string{
	"cmd/twilio-proxy-mcp":    {"cmd/internal/config", "cmd/internal/serve", "cmd/internal/guard", "cmd/internal/logs", "tools", "tools/send", "tools/find", "tools/ledger", "twilio", "twilio/fake", "twilio/fake/page", "schema"},
	"cmd/internal/serve":      {"cmd/internal/guard"},
	"cmd/internal/guard":      {},
	"cmd/internal/config":     {},
	"cmd/internal/logs":       {},
	"cmd/internal/ptytest":    {}, // used only by tests
	"cmd/internal/e2e":        {},
	"tools":                   {"schema"},
	"tools/send":              {"tools", "tools/ledger", "twilio", "schema"},
	"tools/find":              {"tools", "twilio", "schema"},
	"tools/ledger":            {},
	"tools/ledger/ledgertest": {}, // used only by tests
	"twilio":                  {"schema"},
	"twilio/fake":             {"schema"},
	"twilio/fake/page":        {},
	"schema":                  {},
}

// sources returns the Go files that are not tests, by package folder.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && path != root || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			files[filepath.ToSlash(dir)] = append(files[filepath.ToSlash(dir)], path)
		}
		return nil
	}))
	return files
}

func TestImportsOnlyPointDown(t *testing.T) {
	files := sources(t)
	for dir, paths := range files {
		if strings.HasPrefix(dir, "cmd/bench") || strings.HasPrefix(dir, "cmd/internal/serve/") || strings.HasPrefix(dir, "twilio/fake/sdktest") {
			continue // not part of the product: no package of it may import these
		}
		allowed, known := allowedImports[dir]
		require.True(t, known, "%s: add this package to allowedImports", dir)
		for _, path := range paths {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			require.NoError(t, err)
			for _, spec := range file.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				require.NoError(t, err)
				if below, ours := strings.CutPrefix(name, "twilio-proxy-mcp/"); ours {
					require.True(t, slices.Contains(allowed, below), "%s imports %s", path, below)
				}
			}
		}
	}
}

// The top level holds four folders, and files that every repository has.
func TestTopLevel(t *testing.T) {
	out, err := exec.Command("git", "-C", root, "ls-files").Output()
	if err != nil {
		t.Skip("not a git checkout: the top level is not checked")
	}
	allowed := []string{"cmd", "tools", "twilio", "schema", "go.mod", "go.sum", "mcp.json.example", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore", ".ci"}
	for _, path := range strings.Fields(string(out)) {
		first, _, _ := strings.Cut(path, "/")
		require.Contains(t, allowed, first)
	}
}

// No file in the repository has a phone number that could be somebody's.
func TestFixturesLookLikeFixtures(t *testing.T) {
	out, err := exec.Command("git", "-C", root, "ls-files", "*.go", "*.md", "*.txtar", "*.json", "*.js", "*.mjs", "*.html", "*.example").Output()
	if err != nil {
		t.Skip("not a git checkout: fixtures are not checked")
	}
	published := []string{"+14158675309", "+18005551212"} // from the test vector on Twilio's page about webhook signatures
	// +1555 is not an area code. Numbering plans reserve 555-01xx and +44 1632 960xxx for fiction.
	fictional := regexp.MustCompile(`^(\+1555|\+1[0-9]{3}55501|\+441632960)`)
	number := regexp.MustCompile(`\+[1-9][0-9]{9,13}\b`)
	for _, path := range strings.Fields(string(out)) {
		for _, found := range number.FindAllString(read(t, path), -1) {
			require.True(t, fictional.MatchString(found) || slices.Contains(published, found), "%s: %s", path, found)
		}
	}
}
