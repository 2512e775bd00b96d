package tools

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/twilio"
)

const receipt = `{"service_sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","data":"{\"body\":\"some message\"}","date_created":"2015-07-30T20:00:00Z","date_updated":"2015-07-30T20:00:00Z","participant_sid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_status":"sent","sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","type":"message"}`

func sentResult(t testing.TB) result {
	interaction, _, err := schema.DecodeMessageInteraction([]byte(receipt))
	require.NoError(t, err)
	return result{outcome: Outcome{Code: CodeSent, Sent: SentYes, LedgerID: 3}, value: &interaction}
}

// What encode writes by hand must be what mcp-go would write of the same result.
func TestEncodeIsWhatTheLibraryWrites(t *testing.T) {
	sent, noted, odd := sentResult(t), sentResult(t), sentResult(t)
	noted.first, noted.notes, noted.fake = "Line\nand \"quote\" <&>\u2028", []string{"one", "two"}, true
	odd.outcome.Misfits = map[string]string{"type": "valid \u00e9"}
	for name, r := range map[string]result{"sent": sent, "with notes": noted, "with a misfit": odd,
		"an error": failure(Outcome{Code: CodeRefused, Sent: SentNo, HTTPStatus: 400}, "Twilio refused.", "Stop.")} {
		library, err := json.Marshal(r.forLibrary())
		require.NoError(t, err)
		require.JSONEq(t, string(library), string(r.encode()), name)
	}
}

// A byte that is no UTF-8 must cost neither the receipt nor its outcome.
func TestEncodeReplacesInvalidUTF8(t *testing.T) {
	r := sentResult(t)
	r.first, r.outcome.Misfits = "bad \xff", map[string]string{"data": "bad \xff"}
	var got struct {
		Meta struct {
			Outcome Outcome `json:"twilio-proxy-mcp/outcome"`
		} `json:"_meta"`
		Content    []struct{ Text string }
		Structured json.RawMessage `json:"structuredContent"`
	}
	encoded := r.encode()
	require.NotContains(t, string(encoded), "\xff")
	require.NoError(t, json.Unmarshal(encoded, &got))
	require.Equal(t, SentYes, got.Meta.Outcome.Sent)
	require.Equal(t, "bad \uFFFD", got.Meta.Outcome.Misfits["data"])
	require.Equal(t, "bad \uFFFD", got.Content[0].Text)
	require.NotEmpty(t, got.Structured)
}

// What is written by hand is what the tags say, for every field.
func TestOutcomesAreWrittenAsTagged(t *testing.T) {
	outcomes := []Outcome{{}, {Code: CodeSent, Sent: SentYes}, {AgeSeconds: new(int64)}}
	for i := range reflect.TypeFor[Outcome]().NumField() {
		var o Outcome
		field := reflect.ValueOf(&o).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("\"<&>\" \xff é \u2028")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Int, reflect.Int64:
			field.SetInt(-7)
		case reflect.Pointer:
			field.Set(reflect.ValueOf(new(int64(80607))))
		case reflect.Map:
			field.Set(reflect.ValueOf(map[string]string{"data": "\xff"}))
		default:
			t.Fatal("a kind of field that nothing is known of: ", field.Kind())
		}
		require.False(t, field.IsZero())
		outcomes = append(outcomes, o)
	}
	for _, o := range outcomes {
		want, err := jsonv2.Marshal(o, jsontext.AllowInvalidUTF8(true))
		require.NoError(t, err)
		require.Equal(t, string(want), string(o.appendJSON(nil)))
	}
}

func BenchmarkEncode(b *testing.B) {
	r := sentResult(b)
	b.ReportAllocs()
	for b.Loop() {
		r.encode()
	}
}

// BenchmarkCall is the adapter's whole way, without a ledger: check, decode,
// send over loopback, encode, log. BenchmarkSend of the client is a part of it.
func BenchmarkCall(b *testing.B) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(receipt)) }))
	defer upstream.Close()
	tools, err := New(Config{
		Client: &twilio.Client{BaseURL: upstream.URL, Username: "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Password: "x"},
		Log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(b, err)
	arguments := json.RawMessage(`{"ServiceSid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SessionSid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ParticipantSid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Body":"` + strings.Repeat("word ", 20) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		answer, _ := tools.Call(b.Context(), sendName, arguments, nil)
		if !strings.Contains(string(answer), `"code":"sent"`) {
			b.Fatal(string(answer))
		}
	}
}
