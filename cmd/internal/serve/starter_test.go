package serve

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// However long the calls take, each begins, a few in every step.
func TestStarterBeginsAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 1000
		s := newStarter(calls)
		stop := make(chan struct{})
		defer close(stop)
		begun, forEver := make(chan stdioRequest, calls), make(chan struct{})
		defer close(forEver)
		call := func(r stdioRequest) {
			begun <- r
			<-forEver
		}
		go s.serve(stop, call)
		time.Sleep(starterStep / 2) // out of step with the starter's own
		for range calls {
			begin(s, stdioRequest{}, call)
		}
		for at := range 10 {
			synctest.Wait()
			require.Len(t, begun, runtime.GOMAXPROCS(0)*(atOnce+at*perStep))
			time.Sleep(starterStep)
		}
		time.Sleep(calls * starterStep)
		require.Len(t, begun, calls)
	})
}

func TestStarterReplacesEndedCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStarter(1000)
		stop := make(chan struct{})
		defer close(stop)
		began, end, order := time.Now(), make(chan struct{}), make(chan int, 1000)
		call := func(r stdioRequest) {
			order <- len(r.slots)
			<-end
			s.giveTurns(1)
		}
		go s.serve(stop, call)
		first := runtime.GOMAXPROCS(0) * atOnce
		for i := range first + 10 {
			numbered := make(chan struct{}, i) // whose length is the request's number
			for range i {
				numbered <- struct{}{}
			}
			begin(s, stdioRequest{slots: numbered}, call)
		}
		for range first {
			<-order
		}
		for i := range 10 {
			end <- struct{}{}
			require.Equal(t, first+i, <-order)
		}
		require.Zero(t, time.Since(began))
		close(end)
		synctest.Wait()
		require.Len(t, s.turns, first)
	})
}

// begin does what reading does with a request.
func begin(s *starter, r stdioRequest, call func(stdioRequest)) {
	if s.now() {
		go call(r)
	} else {
		s.queue <- r
	}
}
