package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// MetaIdempotencyKey is the key in a call's _meta that names an intention: two calls with one value are one message.
const MetaIdempotencyKey = "twilio-proxy-mcp/idempotency-key"

// maxIdempotencyKey is in characters, the limit that other APIs have.
const maxIdempotencyKey = 255

// A Call is what came around the arguments, and what Run adds to the answer.
type Call struct {
	IdempotencyKey string // "" when the caller gave none
	Caller         string // "" when there is one caller; see Tools.Caller
	// State is Question.State of the round before, byte for byte; "" in the first round. A client may change it: seal what
	// must not be changed.
	State string
	// Elicitation is what the client declared for questions to its user. It is nil when nobody can be asked.
	Elicitation *mcp.ElicitationCapability
	// Outcome is filled in by Run. Without a Code, a success is CodeSent for Texts and CodeOK for other effects.
	Outcome Outcome

	answers     mcp.InputResponses
	progress    mcp.ProgressToken // nil when the caller asked for none
	done        float64           // of the newest Progress
	question    string            // the one that Run asked
	attrs       []slog.Attr
	lead, notes []string // of lead none or one
}

// Log adds to the call's log line. No message, no identifier of a person and no secret belongs there.
func (c *Call) Log(attrs ...slog.Attr) { c.attrs = append(c.attrs, attrs...) }

// Lead puts a text before the content of a success, and first in its notice: what the model must not miss.
func (c *Call) Lead(text string) { c.lead = []string{text} }

// Note adds a text after the content of a success and to its notice, or after the text of an error.
func (c *Call) Note(text string) { c.notes = append(c.notes, text) }

// Progress tells a caller who asked for it how far the call is: done of total, which is 0 when nobody knows. What is no more
// than the time before is left out (MCP, "Progress"). It waits for nobody and may get lost. The message is for people.
func (c *Call) Progress(ctx context.Context, done, total float64, message string) {
	session := server.ClientSessionFromContext(ctx)
	if c.progress == nil || session == nil || !(done > c.done) {
		return
	}
	c.done = done
	told := mcp.JSONRPCNotification{JSONRPC: mcp.JSONRPC_VERSION, Notification: mcp.Notification{Method: string(mcp.MethodNotificationProgress)}}
	told.Params.AdditionalFields = map[string]any{"progressToken": c.progress, "progress": done, "message": message}
	if total > 0 {
		told.Params.AdditionalFields["total"] = total
	}
	select {
	case session.NotificationChannel() <- told:
	default: // too many are on their way
	}
}

// resembles reports whether a caller that wrote this name meant ours. No misspelling is long. A domain's names are its own.
func resembles(name string) bool {
	letters := strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' }), "")
	nearly := strings.HasPrefix(letters, "twil") || strings.HasPrefix(letters, "proxymcp")
	nearly = nearly && !strings.Contains(name, ".") || strings.Contains(letters, "lioproxymcp")
	return strings.HasPrefix(letters, "twilioproxymcp") || nearly && strings.HasSuffix(letters, "idempotencykey")
}

// idempotencyKey reads the key from a call's _meta. Its values are JSON or already decoded, as the transport has them.
func idempotencyKey(meta map[string]any) (string, error) {
	for name := range meta {
		if name != MetaIdempotencyKey && len(name) < 100 && resembles(name) {
			return "", fmt.Errorf("_meta: one of its names is almost %q, the only one that this server knows: write it exactly so", MetaIdempotencyKey)
		}
	}
	value, given := meta[MetaIdempotencyKey]
	if !given {
		return "", nil
	}
	key, isString := value.(string)
	if raw, isJSON := value.(json.RawMessage); isJSON {
		isString = raw[0] == '"' && json.Unmarshal(raw, &key) == nil
	}
	if !isString {
		return "", fmt.Errorf("_meta[%q]: must be a string of 1 to %d characters", MetaIdempotencyKey, maxIdempotencyKey)
	}
	if n := utf8.RuneCountInString(key); n < 1 || n > maxIdempotencyKey {
		return "", fmt.Errorf("_meta[%q]: has %d characters, must have 1 to %d", MetaIdempotencyKey, n, maxIdempotencyKey)
	}
	return key, nil
}
