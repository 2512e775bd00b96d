//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"syscall"
)

// A server is one of a world, which runs again after it was ended.
type server struct {
	name     string // and its password at the upstream, by which that knows it
	overHTTP bool

	mu    sync.Mutex
	stdio *process
	web   *site
	over  bool // it got a signal
}

func (s *server) start(w *world) {
	env := w.environment(s.name)
	var stdio *process
	var web *site
	if s.overHTTP {
		web = startHTTP(w.t, env)
		// A connection that a client opened and did not use yet would hold up the server's end for five seconds.
		web.client.Transport.(*http.Transport).DisableKeepAlives = true
	} else {
		stdio = start(w.t, env)
	}
	w.truth.all("%s started", s.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stdio, s.web, s.over = stdio, web, false
}

// signal returns false when the server got one before. A killed server is gone when it returns.
func (s *server) signal(signal syscall.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.over = true
	if s.overHTTP {
		s.web.cmd.Process.Signal(signal)
	} else {
		s.stdio.cmd.Process.Signal(signal)
	}
	if signal == kill {
		<-s.gone()
	}
	return true
}

func (s *server) gone() <-chan struct{} {
	if s.overHTTP {
		return s.web.ended
	}
	return s.stdio.ended
}

func (s *server) await() {
	s.mu.Lock()
	gone := s.gone()
	s.mu.Unlock()
	<-gone
	if !s.overHTTP {
		s.stdio.stdin.Close()
		s.stdio.cmd.Wait()
	}
}

// call asks for a message. An error says that there was no answer with an outcome.
func (s *server) call(i *intention) (a answer, err error) {
	params := sendParams(i.body, nil)
	params["arguments"].(map[string]any)["ParticipantSid"] = i.participant
	if i.key != "" {
		params["_meta"] = map[string]any{"twilio-proxy-mcp/idempotency-key": i.key}
	}
	s.mu.Lock()
	stdio, web := s.stdio, s.web
	s.mu.Unlock()
	if web != nil {
		a, err = post(web.client, web.url+"/mcp", params)
	} else {
		a, err = stdio.try(params)
	}
	if err == nil && a.outcome().Code == "" {
		err = errors.New("an answer without an outcome")
		if a.Error != nil {
			err = errors.New(a.Error.Message)
		}
	}
	return a, err
}

// try calls a tool of a server that may have ended.
func (p *process) try(params any) (answer, error) {
	p.mu.Lock()
	p.next++
	id, answered := p.next, make(chan json.RawMessage, 1)
	p.waiting[id] = answered
	_, err := p.stdin.Write([]byte(rpc(id, "tools/call", params) + "\n"))
	p.mu.Unlock()
	if err != nil {
		return answer{}, err
	}
	return p.await(answered)
}
