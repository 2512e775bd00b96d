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
		go s.serve(stop)
		time.Sleep(starterStep / 2) // out of step with the starter's own
		begun, forEver := make(chan int, calls), make(chan struct{})
		defer close(forEver)
		for i := range calls {
			s.begin(func() {
				begun <- i
				<-forEver
			})
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
		go s.serve(stop)
		began, end, order := time.Now(), make(chan struct{}), make(chan int, 1000)
		first := runtime.GOMAXPROCS(0) * atOnce
		for i := range first + 10 {
			s.begin(func() {
				order <- i
				<-end
				s.giveTurns(1)
			})
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
