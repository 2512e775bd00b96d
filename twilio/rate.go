package twilio

import (
	"context"
	"errors"
	"sync"
	"time"

	"twilio-proxy-mcp/schema"
)

// Twilio counts over five seconds: a limit of 30 a second is 150 in any 5 seconds, bursts included (Twilio's page on Proxy
// limits). It counts when a request arrives, and one on a new connection arrives later after its turn than one on a kept
// connection. So a turn is free again a margin later. The margin is our choice: two round trips across an ocean.
const (
	rateSpan   = 5 * time.Second
	rateMargin = 250 * time.Millisecond
	rateWindow = rateSpan + rateMargin
)

// maxIdleServices is how many Services without a recent request are remembered before they are swept.
const maxIdleServices = 256

// ErrNoTurn means that the next turn within the RateLimit would come too late. It was not taken, and nothing was asked in it;
// tries before it, if any, were answered with 429 or had no connection.
var ErrNoTurn = errors.New("the wait for the rate limit is longer than the call may take")

// A rate hands out turns for requests of one kind: for each Service no more than the limit in any window. A token bucket
// (x/time/rate) would not do. It refills while a burst is still in the window, and lets twice as many through.
type rate struct {
	most int // 0 lifts the limit

	mu       sync.Mutex
	services map[string]*turns
}

// turns are the times of the last turns of one Service, in a ring. The next turn is free a window after the oldest.
type turns struct {
	times  []time.Time
	oldest int
}

// newRate limits the requests a second to one Service, counted over five seconds; 0 lifts the limit.
func newRate(perSecond int) *rate {
	return &rate{most: perSecond * int(rateSpan/time.Second), services: map[string]*turns{}}
}

// operationSend is the API's name of the operation that sends.
const operationSend = "CreateMessageInteraction"

// WaitToSend takes the turn of the first attempt of a send to a Service, and returns when it has come. The error is the
// context's, or ErrNoTurn when the turn would come after latest.
func (c *Client) WaitToSend(ctx context.Context, service schema.ServiceSid, latest time.Time) error {
	return c.rate(operationSend).wait(ctx, service.String(), latest)
}

// Alone lets one of several equal messages at a time wait for its turn (WaitToSend), until it calls leave: nobody else knows
// yet whether that one will be made. It is false when ctx ends before the others have left.
func (c *Client) Alone(ctx context.Context, message string) (leave func(), ok bool) {
	mine := make(chan struct{})
	for {
		other, there := c.alone.LoadOrStore(message, mine)
		if !there {
			return func() { c.alone.Delete(message); close(mine) }, true
		}
		select {
		case <-other.(chan struct{}):
		case <-ctx.Done():
			return nil, false
		}
	}
}

// rate is that of one operation: Twilio counts each by itself.
func (c *Client) rate(operation string) *rate {
	r, known := c.rates.Load(operation)
	if !known {
		r, _ = c.rates.LoadOrStore(operation, newRate(c.RateLimit))
	}
	return r.(*rate)
}

// inTurn is a before hook. It takes a turn for each attempt, except for the one with the number had (-1 is none), and then
// calls next. A turn must come by the call's deadline and, if that is not zero, by latest.
func (c *Client) inTurn(operation, service string, had int, latest time.Time, next func(context.Context, int) error) func(context.Context, int) error {
	return func(ctx context.Context, tries int) error {
		if tries != had { // and not when asked once more about the same attempt
			had = tries
			until, _ := ctx.Deadline() // do has set one
			if !latest.IsZero() && latest.Before(until) {
				until = latest
			}
			if err := c.rate(operation).wait(ctx, service, until); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		return next(ctx, tries)
	}
}

// wait returns when it is this call's turn. The error is the context's, or ErrNoTurn when the turn would come after
// latest. With ErrNoTurn no turn is taken.
func (r *rate) wait(ctx context.Context, service string, latest time.Time) error {
	if r.most <= 0 {
		return ctx.Err()
	}
	turn, err := r.take(service, time.Now(), latest)
	if err != nil {
		return err
	}
	timer := time.NewTimer(time.Until(turn))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done(): // the turn is lost, which errs on the safe side
	}
	return ctx.Err()
}

func (r *rate) take(service string, now, latest time.Time) (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.services[service]
	if s == nil {
		r.sweep(now)
		s = &turns{}
		r.services[service] = s
	}
	if len(s.times) < r.most {
		s.times = append(s.times, now)
		return now, nil
	}
	turn := now
	if free := s.times[s.oldest].Add(rateWindow); free.After(now) {
		turn = free
	}
	if turn.After(now) && turn.After(latest) {
		return time.Time{}, ErrNoTurn
	}
	s.times[s.oldest] = turn
	s.oldest = (s.oldest + 1) % r.most
	return turn, nil
}

// sweep forgets Services whose every turn has left the window.
func (r *rate) sweep(now time.Time) {
	if len(r.services) < maxIdleServices {
		return
	}
	for service, s := range r.services {
		newest := s.times[(s.oldest+len(s.times)-1)%len(s.times)]
		if now.Sub(newest) > rateWindow {
			delete(r.services, service)
		}
	}
}
