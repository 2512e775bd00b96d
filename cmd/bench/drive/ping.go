package drive

import (
	"slices"
	"time"
)

// PingDuring writes a burst of calls in one moment, numbered from firstCall,
// and then pings, numbered from firstPing, a millisecond apart. It returns how
// long the pings took, sorted.
func (l *Lines) PingDuring(calls, firstCall, pings, firstPing int) ([]time.Duration, error) {
	var burst []byte
	for i := range calls {
		burst = append(l.Request.appendTo(burst, firstCall+i), '\n')
	}
	begun, ended := make([]time.Time, pings), make([]time.Time, pings)
	written := make(chan error, 1)
	go func() { written <- l.writePings(burst, begun, firstPing) }()
	for range calls + pings {
		answer, err := l.answer()
		if err != nil {
			return nil, err
		}
		number, err := idOf(answer)
		if err == nil {
			err = failed(answer)
		}
		if err != nil {
			return nil, err
		}
		if number >= firstPing {
			ended[number-firstPing] = time.Now()
		}
	}
	if err := <-written; err != nil {
		return nil, err
	}
	var took []time.Duration
	for i := range pings {
		took = append(took, ended[i].Sub(begun[i]))
	}
	slices.Sort(took)
	return took, nil
}

func (l *Lines) writePings(burst []byte, begun []time.Time, firstPing int) error {
	if _, err := l.In.Write(burst); err != nil {
		return err
	}
	for i := range begun {
		begun[i] = time.Now()
		if _, err := l.In.Write(append(Ping.appendTo(nil, firstPing+i), '\n')); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
