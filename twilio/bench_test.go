package twilio

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// BenchmarkSend compares a send with the same POST by a plain http.Client, which
// also decodes the answer.
func BenchmarkSend(b *testing.B) {
	s := serve(b, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, documentedAnswer)
	})
	b.Run("client", func(b *testing.B) {
		c := testClient(b, s.URL)
		b.ReportAllocs()
		for b.Loop() {
			_, err := c.CreateMessageInteraction(b.Context(), testMessage, nil)
			require.NoError(b, err)
		}
	})
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resp, err := http.Post(s.URL+createPath, "application/x-www-form-urlencoded", strings.NewReader(testMessage.Form()))
			require.NoError(b, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(b, err)
			resp.Body.Close()
			_, _, err = schema.DecodeMessageInteraction(body)
			require.NoError(b, err)
		}
	})
}
