package twilio

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A slowBody is empty, too, but that takes a while to find out, as on a machine that does not get to run.
type slowBody struct{ io.ReadCloser }

func (s slowBody) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return s.ReadCloser.Read(p)
}

// How soon net/http sees that the body of a GET is empty makes no difference to what is sent.
func TestAGetHasNoBodyEvenOnASlowMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testClient(t, "http://127.0.0.1")
		require.NoError(t, c.Check())
		r := c.newRequest(t.Context(), apiCall{path: "/v1/Services"})
		r.Body = slowBody{r.Body}
		var sent bytes.Buffer
		require.NoError(t, r.Write(&sent))
		require.NotContains(t, sent.String(), "Transfer-Encoding")
		require.NotContains(t, sent.String(), "Content-Length")
		require.True(t, bytes.HasSuffix(sent.Bytes(), []byte("\r\n\r\n")), sent.String())
	})
}
