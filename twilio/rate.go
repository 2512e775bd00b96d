package twilio

import (
	"context"
	"errors"
	"sync"
	"time"
)

// rateWindow is the span over which Twilio counts: a limit of 30 a second is 150 in any 5 seconds, bursts included
// (Twilio's page on Proxy limits).
const rateWindow = 5 * time.Second

// maxIdleServices is how many Services without a recent request are remembered before they are swept.
const maxIdleServices = 256

// ErrNoTurn is Rate.Wait's error when the turn would come too late.
var ErrNoTurn = errors.New("the wait for the rate limit is longer than the call may take")

// A Rate hands out turns for requests of one kind: for each Service no more than the limit in any window. A token bucket
// (x/time/rate) would not do. It refills while a burst is still in the window, and lets twice as many through.
type Rate struct {
	most int // 0 lifts the limit

	mu       sync.Mutex
	services map[string]*turns

	alone sync.Map // name -> chan struct{}, closed by leave
}

// turns are the times of the last turns of one Service, in a ring. The next turn is free a window after the oldest.
type turns struct {
	times  []time.Time
	oldest int
}

// newRate limits the requests a second to one Service, counted over five seconds; 0 lifts the limit.
func newRate(perSecond int) *Rate {
	return &Rate{most: perSecond * int(rateWindow/time.Second), services: map[string]*turns{}}
}

// OperationSend is the API's name of the operation that sends.
const OperationSend = "CreateMessageInteraction"

// Rate hands out the turns of one operation, which the API's name of it names. Twilio counts each operation by itself. The
// client takes a turn before each attempt, except before the first attempt of a send.
func (c *Client) Rate(operation string) *Rate {
	r, known := c.rates.Load(operation)
	if !known {
		r, _ = c.rates.LoadOrStore(operation, newRate(c.RateLimit))
	}
	return r.(*Rate)
}

// inTurn is a before hook that waits for the turn of each attempt after the first had ones, and then calls next. A
// turn that would come after the call's deadline is ErrNoTurn.
func (c *Client) inTurn(operation, service string, had int, next func(context.Context, int) error) func(context.Context, int) error {
	return func(ctx context.Context, tries int) error {
		if tries != had {
			had = tries
			latest, _ := ctx.Deadline() // do has set one
			if err := c.Rate(operation).Wait(ctx, service, latest); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		return next(ctx, tries)
	}
}

// Wait returns when it is this call's turn. The error is the context's, or ErrNoTurn when the turn would come after
// latest. With ErrNoTurn no turn is taken.
func (r *Rate) Wait(ctx context.Context, service string, latest time.Time) error {
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

// Alone lets one of several requests with the same name at a time wait for its turn, until it calls leave: nobody else knows
// yet whether that one will be made. It returns false when ctx ends before the others have left.
func (r *Rate) Alone(ctx context.Context, name string) (leave func(), ok bool) {
	mine := make(chan struct{})
	for {
		other, there := r.alone.LoadOrStore(name, mine)
		if !there {
			return func() { r.alone.Delete(name); close(mine) }, true
		}
		select {
		case <-other.(chan struct{}):
		case <-ctx.Done():
			return nil, false
		}
	}
}

func (r *Rate) take(service string, now, latest time.Time) (time.Time, error) {
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
func (r *Rate) sweep(now time.Time) {
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
