// Package config reads single configuration values: variables, flags, files that hold one value, lines of a file. It
// refuses what it does not understand, so that nothing is taken for a file name, a token or a password by mistake. It
// knows nothing of documents, such as JSON or PEM.
//
// Its errors never show a value. Each continues a text that ends with the name of the setting and a colon.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark begins files that some Windows programs write.
const byteOrderMark = "\ufeff"

var (
	errEmpty     = errors.New("there is no value")
	errQuotes    = errors.New("the value is in quotes, which only a shell removes: write it without them")
	errUTF16     = errors.New("the text is in UTF-16: save it as UTF-8")
	errUTF8      = errors.New("the text is not valid UTF-8")
	errDirectory = errors.New("this is the path of a directory: add the file's name, such as ledger.db")
	errUser      = errors.New("only ~/ is understood, not ~user/ or ~ alone: write the path in full")
)

// Value checks one value and returns it without a byte order mark. It refuses placeholders that nobody expanded, quotes
// around the value, control characters, UTF-16 and invalid UTF-8. An empty value stays empty.
func Value(text string) (string, error) {
	if isUTF16(text) {
		return "", errUTF16
	}
	if !utf8.ValidString(text) {
		return "", errUTF8
	}
	value := strings.TrimPrefix(text, byteOrderMark)
	if value == "" && text != "" {
		return "", errEmpty
	}
	if kind := placeholder(value); kind != "" {
		return "", fmt.Errorf("the value has a placeholder, %s, that nobody expanded: write the value itself", kind)
	}
	if isQuoted(value) {
		return "", errQuotes
	}
	odd := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' }
	if at := strings.IndexFunc(value, odd); at >= 0 {
		r, _ := utf8.DecodeRuneInString(value[at:])
		return "", fmt.Errorf("the value has a control character (%U), such as a line break or a tab: remove it", r)
	}
	return value, nil
}

// isUTF16 looks for a byte order mark of UTF-16, or for the zero byte that ASCII text in UTF-16 begins with or has next.
func isUTF16(text string) bool {
	return strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || len(text) > 1 && (text[0] == 0 || text[1] == 0)
}

var (
	braces       = regexp.MustCompile(`(?s)\$\{.*\}`)
	parentheses  = regexp.MustCompile(`(?s)\$\(.*\)`) // Kubernetes leaves $(NAME) as it is when it knows no NAME
	doubleBraces = regexp.MustCompile(`(?s)\{\{.*\}\}`)
	shellName    = regexp.MustCompile(`^\$(env:)?[A-Za-z_][A-Za-z0-9_]*$`) // POSIX shells, PowerShell
	windowsName  = regexp.MustCompile(`^%[A-Za-z_][A-Za-z0-9_.() -]*%$`)   // such as %ProgramFiles(x86)%
	// brackets are how documentation writes what the reader has to fill in: as the whole value or as a part of a path, a host or a URL.
	brackets = regexp.MustCompile(`(^|[/\\:@.])\s*<[^<>]+>\s*($|[/\\:@?.])`)
	sample   = regexp.MustCompile(`(?i)^your[-_ ]\S`)
)

// ErrSample is for a secret of which IsSample is true.
var ErrSample = errors.New("this is a placeholder from a documentation: write the secret itself")

// IsSample reports whether a value is what stands in documentation in a secret's place, such as your_auth_token.
func IsSample(value string) bool { return sample.MatchString(value) }

// placeholder returns the kind of the placeholder in value, or "". The kinds with brackets may be anywhere. The others must
// be the whole value or a whole element of a path: a password may well have a $ in it, and a URL has escapes such as %20.
// No valid URL has a whole element of the form %NAME%, because its last % would have no digits.
func placeholder(value string) string {
	if braces.MatchString(value) {
		return "${…}"
	}
	if parentheses.MatchString(value) {
		return "$(…)"
	}
	if doubleBraces.MatchString(value) {
		return "{{…}}"
	}
	if brackets.MatchString(value) {
		return "<…>"
	}
	for element := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '/' || r == '\\' }) {
		if element = strings.TrimSpace(element); shellName.MatchString(element) {
			return "$NAME"
		}
		if windowsName.MatchString(element) {
			return "%NAME%"
		}
	}
	return ""
}

// quotes are pairs that belong together. Word processors make the typographic ones, by the language of the text.
var quotes = []string{`""`, "''", "``", "“”", "‘’", "„“", "„”", "””", "‚‘", "‚’", "’’", "«»", "»«", "‹›", "›‹"}

// isQuoted reports whether value begins and ends with quotes that belong together.
func isQuoted(value string) bool {
	value = strings.TrimSpace(value)
	return slices.ContainsFunc(quotes, func(pair string) bool {
		_, size := utf8.DecodeRuneInString(pair)
		return len(value) >= len(pair) && strings.HasPrefix(value, pair[:size]) && strings.HasSuffix(value, pair[size:])
	})
}

// File is Value for the name of a file. It replaces a leading ~/ by the home directory, which it looks up with getenv.
func File(text string, getenv func(string) string) (string, error) {
	path, err := Value(text)
	if err != nil || !strings.HasPrefix(path, "~") {
		return path, err
	}
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok && runtime.GOOS == "windows" {
		rest, ok = strings.CutPrefix(path, `~\`)
	}
	if !ok {
		return "", errUser
	}
	dir, err := home(getenv)
	if err != nil {
		return "", fmt.Errorf("~/ cannot be expanded: %w", err)
	}
	return Value(filepath.Join(dir, rest)) // two halves can make a placeholder
}

func home(getenv func(string) string) (string, error) {
	name := "HOME"
	if runtime.GOOS == "windows" {
		name = "USERPROFILE"
	}
	return directory(name, getenv)
}

// directory returns the absolute path that a variable of the system holds.
func directory(name string, getenv func(string) string) (string, error) {
	dir, err := Value(getenv(name))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("%s is not the absolute path of a directory", name)
	}
	return dir, nil
}

// CheckFile finds what keeps a program from ever writing a file at this path: a directory or a device is there, a part of
// the path is a file, or the name is too long. What may pass, such as missing permissions, is no error.
func CheckFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, syscall.ENAMETOOLONG):
		return errors.New("the name is too long")
	case err == nil && info.IsDir():
		return errDirectory
	case err == nil && !info.Mode().IsRegular():
		return errors.New("this is no regular file")
	}
	for err != nil && path != filepath.Dir(path) {
		path = filepath.Dir(path)
		if info, err = os.Stat(path); err == nil && !info.IsDir() {
			return errors.New("a part of the path is a file where a directory must be")
		}
	}
	return nil
}

// Read reads a file that holds one value. White space around the value is removed. An empty file is an error.
func Read(path string) (string, error) {
	content, err := read(path)
	if err != nil {
		return "", err
	}
	value, err := Value(strings.TrimSpace(strings.TrimPrefix(content, byteOrderMark)))
	if err == nil && value == "" {
		err = errors.New("the file is empty")
	}
	return value, err
}

// ReadWords is Words for a file.
func ReadWords(path string) ([]string, error) {
	content, err := read(path)
	if err != nil {
		return nil, err
	}
	return Words(content)
}

// read reads a text. Its error does not show the path: somebody may have set a secret instead of its file's name.
func read(path string) (string, error) {
	content, err := os.ReadFile(path)
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	if err != nil {
		return "", fmt.Errorf("the file cannot be read: %w", err)
	}
	if isUTF16(string(content)) {
		return "", errUTF16
	}
	return string(content), nil
}

// Words returns the values in text, which white space separates. An error in any line but the first names the line.
func Words(text string) ([]string, error) {
	if isUTF16(text) {
		return nil, errUTF16
	}
	var words []string
	number := 0
	for line := range strings.Lines(text) {
		number++
		found, err := wordsOf(line)
		if err != nil && number > 1 {
			err = fmt.Errorf("line %d: %w", number, err)
		}
		if err != nil {
			return nil, err
		}
		words = append(words, found...)
	}
	return words, nil
}

// wordsOf checks the line as a whole, too: a placeholder may have spaces in it.
func wordsOf(line string) (words []string, err error) {
	line, err = Value(strings.TrimSpace(strings.TrimPrefix(line, byteOrderMark)))
	if err != nil {
		return nil, err
	}
	for word := range strings.FieldsSeq(line) {
		if word, err = Value(word); err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}
