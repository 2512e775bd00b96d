package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// net/http's client passes what a server sends on an idle connection to package
// log. That can be part of the message.
func TestWhatAnUpstreamSendsUnaskedIsNotLogged(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	gone := make(chan struct{}, 2)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			request, err := http.ReadRequest(bufio.NewReader(conn))
			if err == nil {
				io.Copy(io.Discard, request.Body)
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 400 +15550123456 meet me at the corner\r\n\r\n", len(documented), documented)
				io.Copy(io.Discard, conn) // until the client closes it
			}
			conn.Close()
			gone <- struct{}{}
		}
	}()
	p := start(t, environment(t, pointedAt("http://"+listener.Addr().String())...), "--log-format", "json")
	require.Equal(t, "sent", p.send("meet me at the corner").outcome().Code)
	<-gone // the client has read the unasked bytes
	p.stop()
	require.NotContains(t, p.stderr.String(), "corner")
	require.NotContains(t, p.stderr.String(), "+1555")
}
