package twilio

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A server that offers only TLS 1.1 or older gets no credentials.
func TestOldTLSIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := testClient(t, server.URL).CreateMessageInteraction(t.Context(), testMessage, nil)
	require.ErrorAs(t, err, new(*NotSentError))
	require.ErrorContains(t, err, "protocol version")
}

// The client reads one byte more than its limit. It does not wait for the end of
// the answer, which may never come.
func TestAnAnswerWithoutAnEndIsNotAwaited(t *testing.T) {
	over := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("{" + strings.Repeat(" ", maxObject)))
		w.(http.Flusher).Flush()
		<-over
	})
	created, err := testClient(t, server.URL).CreateMessageInteraction(t.Context(), testMessage, nil)
	close(over)
	require.NoError(t, err)
	require.ErrorContains(t, created.Unreadable, "longer than 1048576 bytes")
}

// A JSON object that is not an interaction is not accepted as a receipt.
func TestAnAnswerOfSomethingElse(t *testing.T) {
	for _, body := range []string{`{"ok":true}`, `{}`} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) })
		created, err := testClient(t, server.URL).CreateMessageInteraction(t.Context(), testMessage, nil)
		require.NoError(t, err)
		require.ErrorContains(t, created.Unreadable, "none of an interaction's fields")
	}
}
