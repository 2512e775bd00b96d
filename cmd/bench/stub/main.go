// Command stub stands in for Twilio: it answers every message with the example
// of Twilio's documentation, after a delay, and counts what reached it.
package main

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"twilio-proxy-mcp/cmd/bench/measure"
	"twilio-proxy-mcp/cmd/bench/post"
)

func main() {
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stub:", err)
		os.Exit(1)
	}
}

// run serves until in ends. Each line of in is a delay, which is set, or empty;
// the answer to it is the counts. The certificate of the HTTPS address goes
// into the file caFile.
func run(caFile string, in io.Reader, out io.Writer) error {
	u := &upstream{}
	plain, secure := httptest.NewUnstartedServer(u), httptest.NewUnstartedServer(u)
	for _, s := range []*httptest.Server{plain, secure} {
		s.Config.ConnState = u.connection
		s.Config.ErrorLog = nil
	}
	plain.Start()
	secure.StartTLS()
	if err := os.WriteFile(caFile, certificate(secure), 0o600); err != nil {
		return err
	}
	answers := json.NewEncoder(out)
	if err := answers.Encode(measure.Addresses{HTTP: plain.URL, HTTPS: secure.URL}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if text := lines.Text(); text != "" {
			delay, err := time.ParseDuration(text)
			if err != nil {
				return err
			}
			u.delay.Store(int64(delay))
		}
		if err := answers.Encode(u.counts()); err != nil {
			return err
		}
	}
	return nil
}

type upstream struct{ delay, posts, others, connections atomic.Int64 }

func (u *upstream) counts() measure.Counts {
	return measure.Counts{Posts: u.posts.Load(), Others: u.others.Load(), Connections: u.connections.Load()}
}

func (u *upstream) connection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		u.connections.Add(1)
	}
}

// example is the answer in Twilio's documentation of the operation. Only the
// message's own SID differs from answer to answer, as it does at Twilio.
var example = `{"service_sid":"` + post.ServiceSid + `","data":"{\"body\":\"some message\"}","date_created":"2015-07-30T20:00:00Z","date_updated":"2015-07-30T20:00:00Z","participant_sid":"` + post.ParticipantSid + `","inbound_participant_sid":null,"inbound_resource_sid":null,"inbound_resource_status":null,"inbound_resource_type":null,"inbound_resource_url":null,"outbound_participant_sid":"` + post.ParticipantSid + `","outbound_resource_sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outbound_resource_status":"sent","outbound_resource_type":"Message","outbound_resource_url":null,"sid":"KI@","type":"message","url":"https://proxy.twilio.com` + post.Path + `/KI@","account_sid":"` + post.AccountSid + `","session_sid":"` + post.SessionSid + `"}`

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a message is small, and the counts tell when one got lost
	if r.Method != http.MethodPost || r.URL.Path != post.Path {
		u.others.Add(1)
		http.NotFound(w, r)
		return
	}
	number := u.posts.Add(1)
	time.Sleep(time.Duration(u.delay.Load()))
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, strings.ReplaceAll(example, "@", fmt.Sprintf("%032x", number)))
}

func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
