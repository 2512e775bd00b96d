package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIDs(t *testing.T) {
	for answer, want := range map[string]int{
		`{"jsonrpc":"2.0","id":17,"result":{}}`:                 17,
		`{"result":{"id":"x","n":1},"jsonrpc":"2.0","id":2048}`: 2048,
	} {
		got, err := idOf([]byte(answer))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, answer := range []string{`{}`, `{"jsonrpc":"2.0","id":null,"error":{}}`} {
		_, err := idOf([]byte(answer))
		require.ErrorIs(t, err, errNoID)
	}
}

// Every call of a load is made once, whatever the form of the answers.
func TestHTTPMakesEachCallOnce(t *testing.T) {
	seen := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, text, _ := strings.Cut(string(body), `"message `)
		seen <- strings.TrimRight(text, `"}`)
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
		if len(seen)%2 == 0 {
			w.(http.Flusher).Flush() // in chunks
		}
		fmt.Fprint(w, strings.Repeat(" ", 5000))
	}))
	defer server.Close()
	sample, err := newStreamable(server.URL+"/mcp", false).run(load{Calls: 50, InFlight: 5, First: 100})
	require.NoError(t, err)
	require.Len(t, sample.Latencies, 50)
	numbers := map[string]bool{}
	for range 50 {
		numbers[<-seen] = true
	}
	require.Len(t, numbers, 50)
	require.Contains(t, numbers, "149")
}

func TestLinesFailOnAnErrorResult(t *testing.T) {
	for answer, want := range map[string]bool{`"result":{}`: false, `"result":{"isError":true}`: true, `"error":{"code":1}`: true} {
		in, server := io.Pipe()
		requests, out := io.Pipe()
		go func() {
			line, _ := bufio.NewReader(requests).ReadString('\n')
			id, _ := idOf([]byte(line))
			fmt.Fprintf(server, "{\"jsonrpc\":\"2.0\",\"method\":\"log\"}\n{\"jsonrpc\":\"2.0\",\"id\":%d,%s}\n", id, answer)
		}()
		client := &lines{request: callTool, in: out, out: bufio.NewReader(in)}
		_, err := client.run(load{Calls: 1, InFlight: 1, First: 7})
		require.Equal(t, want, err != nil, answer)
	}
}
