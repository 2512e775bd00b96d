package serve

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/server"
)

// BenchmarkHTTP posts calls to mcp-go's stateless server and to ours, in both eras.
// Client and server share the process.
func BenchmarkHTTP(b *testing.B) {
	quiet := func(s *Server) http.Handler { return s.newEndpoints(b.Context(), HTTP{}).routes() }
	handlers := map[string]http.Handler{
		"mcp-go": server.NewStreamableHTTPServer(newFixture().mcp(), server.WithStateLess(true)),
		"ours":   quiet(newFixture().server()),
	}
	modern := strings.Replace(callLine(1, "echo"), `"arguments"`, modernMeta+`,"arguments"`, 1)
	for name, handler := range handlers {
		for era, body := range map[string]string{"legacy": callLine(1, "echo"), "modern": modern} {
			b.Run(name+"/"+era, func(b *testing.B) {
				srv := httptest.NewServer(handler)
				defer srv.Close()
				client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
				defer client.CloseIdleConnections()
				b.SetParallelism(32)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						r, err := http.NewRequest(http.MethodPost, srv.URL+"/mcp", strings.NewReader(body))
						if err != nil {
							b.Error(err)
							return
						}
						r.Header.Set("Content-Type", "application/json")
						if era == "modern" {
							r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
							r.Header.Set("Mcp-Method", "tools/call")
							r.Header.Set("Mcp-Name", "echo")
						}
						response, err := client.Do(r)
						if err != nil || response.StatusCode != http.StatusOK {
							b.Error(err, response)
							return
						}
						_, _ = io.Copy(io.Discard, response.Body)
						response.Body.Close()
					}
				})
			})
		}
	}
}
