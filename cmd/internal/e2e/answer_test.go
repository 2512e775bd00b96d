package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// An answer is a tools/call result as a client reads it.
type answer struct {
	Error  *struct{ Message string }
	Result struct {
		IsError bool
		Content []struct{ Type, Text string }
		Meta    struct {
			Outcome outcome `json:"twilio-proxy-mcp/outcome"`
		} `json:"_meta"`
		Structured json.RawMessage `json:"structuredContent"`
	}
}

type outcome struct {
	Code, Sent, Backend string
	Replayed            bool
	Reconciled          bool
	LedgerID            string `json:"ledger_id"`
	AgeSeconds          *int64 `json:"age_seconds"`
	Misfits             map[string]string
}

func (a answer) outcome() outcome { return a.Result.Meta.Outcome }

// kind is the outcome without the fields that differ from call to call.
func (a answer) kind() outcome {
	o := a.outcome()
	return outcome{Code: o.Code, Sent: o.Sent, Replayed: o.Replayed, Reconciled: o.Reconciled}
}

// receipt is the structured content without the notice.
func (a answer) receipt(t *testing.T) map[string]any {
	t.Helper()
	var receipt map[string]any
	require.NoError(t, json.Unmarshal(a.Result.Structured, &receipt))
	delete(receipt, "notice")
	return receipt
}

func (a answer) text() string {
	var all []string
	for _, c := range a.Result.Content {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

func sendParams(body string, meta map[string]any) map[string]any {
	params := map[string]any{"name": "send_message_interaction", "arguments": arguments(body)}
	if meta != nil {
		params["_meta"] = meta
	}
	return params
}

func arguments(body string) map[string]any {
	return map[string]any{"ServiceSid": fake.ServiceSid, "SessionSid": fake.SessionSid, "ParticipantSid": fake.ParticipantSid, "Body": body}
}
