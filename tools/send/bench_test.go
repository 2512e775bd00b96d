package send

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
)

const receipt = `{"service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":"{\"body\":\"some message\"}","date_created":"2015-07-30T20:00:00Z","date_updated":"2015-07-30T20:00:00Z","participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_status":"sent","sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","type":"message"}`

// BenchmarkCall is the adapter's whole way, without a ledger: check, decode,
// send over loopback, encode, log. BenchmarkSend of the client is a part of it.
func BenchmarkCall(b *testing.B) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(receipt)) }))
	defer upstream.Close()
	sender, err := New(Config{
		Client: &twilio.Client{BaseURL: upstream.URL, Username: "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Password: "x"},
		Log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(b, err)
	arguments := json.RawMessage(`{"ServiceSid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SessionSid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ParticipantSid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Body":"` + strings.Repeat("word ", 20) + `"}`)
	called := &bench{Sender: sender, t: b}
	called.offer(sender.Definition(), false)
	request := mcp.CallToolRequest{Params: mcp.CallToolParams{Name: Name, RawArguments: arguments}}
	b.ReportAllocs()
	for b.Loop() {
		result, _ := called.handle(b.Context(), request)
		outcome, _ := result.Meta.AdditionalFields[tools.MetaOutcome].(json.RawMessage)
		if !strings.Contains(string(outcome), `"code":"sent"`) {
			b.Fatal(string(outcome))
		}
	}
}
