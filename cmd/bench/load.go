package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"twilio-proxy-mcp/cmd/bench/post"
)

// A load is a number of calls, InFlight of them at any time. Each call has its own number, counted from First.
// No number is used twice, so no two calls send the same message.
type load struct {
	Calls, InFlight, First int
	// Spread is the time over which the first InFlight calls begin. Real callers do not begin in the same moment, and
	// calls that begin together stay in step until the end of the load.
	Spread time.Duration
}

// wait is how long one of the InFlight callers waits before its first call.
func (l load) wait(caller int) time.Duration {
	return l.Spread * time.Duration(caller) / time.Duration(l.InFlight)
}

// A sample is how long the calls of a load took.
type sample struct {
	Elapsed   time.Duration
	Latencies []time.Duration // of each call, sorted
}

// quantile returns the latency that the fraction q of the calls did not exceed.
func (s sample) quantile(q float64) time.Duration {
	return s.Latencies[min(int(q*float64(len(s.Latencies))), len(s.Latencies)-1)]
}

// client puts loads on a subject.
type client interface {
	run(load) (sample, error)
}

// closedLoop makes the calls of a load with InFlight callers. Each caller makes its next call when its last one has
// ended. call gets the caller's index and the number of the call. The first error ends the load.
func closedLoop(l load, call func(caller, number int) error) (sample, error) {
	s := sample{Latencies: make([]time.Duration, l.Calls)}
	var next atomic.Int64
	var callers sync.WaitGroup
	failed := make(chan error, l.InFlight)
	begun := time.Now()
	for caller := range l.InFlight {
		callers.Go(func() {
			time.Sleep(l.wait(caller))
			for i := int(next.Add(1)) - 1; i < l.Calls; i = int(next.Add(1)) - 1 {
				at := time.Now()
				if err := call(caller, l.First+i); err != nil {
					next.Store(int64(l.Calls))
					failed <- fmt.Errorf("call %d: %w", l.First+i, err)
					return
				}
				s.Latencies[i] = time.Since(at)
			}
		})
	}
	callers.Wait()
	s.Elapsed = time.Since(begun)
	slices.Sort(s.Latencies)
	close(failed)
	return s, <-failed // nil if no call has failed
}

// The clients write prepared bytes and find ids by scanning. A client that decoded JSON would cost more than the
// server that it measures.
const (
	initialize  = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	toolsList   = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
)

// A request is a message in which "#" stands for the number of the call. The number is the id, and it makes the text
// of each message unique.
type request string

const (
	// callTool calls the tool as the revisions up to 2025-11-25 want it, callModern as 2026-07-28 wants it.
	callTool   request = `{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"send_message_interaction","arguments":{"ServiceSid":"` + post.ServiceSid + sids + `}}`
	callModern request = `{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}},"name":"send_message_interaction","arguments":{"ServiceSid":"` + post.ServiceSid + sids + `}}`
	// callInvalid has a ServiceSid that breaks the schema.
	callInvalid request = `{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"send_message_interaction","arguments":{"ServiceSid":"` + post.SessionSid + sids + `}}`
	ping        request = `{"jsonrpc":"2.0","id":#,"method":"ping"}`

	sids = `","SessionSid":"` + post.SessionSid + `","ParticipantSid":"` + post.ParticipantSid + `","Body":"message #"}`
)

// number returns the message with a number filled in.
func (r request) number(n int) string { return strings.ReplaceAll(string(r), "#", strconv.Itoa(n)) }

var errNoID = errors.New("an answer has no id")

// idOf finds the id of an answer. Go's libraries write it first, TypeScript's library writes it last.
func idOf(answer []byte) (int, error) {
	rest, first := bytes.CutPrefix(answer, []byte(`{"jsonrpc":"2.0","id":`))
	if !first {
		if at := bytes.LastIndex(answer, []byte(`"id":`)); at >= 0 {
			rest = answer[at+len(`"id":`):]
		}
	}
	end := 0
	for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
		end++
	}
	id, err := strconv.Atoi(string(rest[:end]))
	if err != nil {
		return 0, fmt.Errorf("%w: %.200s", errNoID, answer)
	}
	return id, nil
}

// check returns an error unless the answer is a success, or an error where refused says that it must be one.
func check(answer []byte, refused bool) error {
	failed := bytes.Contains(answer, []byte(`"isError":true`)) || !bytes.Contains(answer, []byte(`"result":`))
	if failed != refused {
		return fmt.Errorf("unexpected answer: %.300s", answer)
	}
	return nil
}
