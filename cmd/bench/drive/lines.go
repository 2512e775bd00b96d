package drive

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"twilio-proxy-mcp/cmd/bench/measure"
)

// Lines is a client of a server on stdio.
type Lines struct {
	Request Request
	In      io.Writer     // the server's
	Out     *bufio.Reader // the server's
	// Fails says that every call has to end in an error result.
	Fails bool
}

// Exchange writes one message and returns the answer to it.
func (l *Lines) Exchange(message string) ([]byte, error) {
	if _, err := io.WriteString(l.In, message+"\n"); err != nil {
		return nil, err
	}
	answer, err := l.answer()
	return bytes.Clone(answer), err
}

// answer returns the next message that is an answer, valid until the next call;
// some servers log on stdout.
func (l *Lines) answer() ([]byte, error) {
	for {
		line, err := l.Out.ReadSlice('\n')
		if err != nil || !bytes.Contains(line[:min(len(line), 60)], []byte(`"method":`)) {
			return line, err
		}
	}
}

// Open begins the session.
func (l *Lines) Open() error {
	answer, err := l.Exchange(Initialize)
	if err == nil {
		err = failed(answer)
	}
	if err == nil {
		_, err = io.WriteString(l.In, Initialized+"\n")
	}
	return err
}

// Run makes the calls of a load.
func (l *Lines) Run(load measure.Load) (measure.Sample, error) {
	w := &window{load: load, request: l.Request, begun: make([]time.Time, load.Calls)}
	w.work.L = &w.mu
	sample := measure.Sample{Latencies: make([]time.Duration, 0, load.Calls)}
	begun := time.Now()
	written := make(chan error, 1)
	go func() { written <- w.write(l.In) }()
	defer w.stop()
	for place := range load.InFlight {
		if wait := load.Wait(place); wait > 0 {
			time.AfterFunc(wait, w.next)
		} else {
			w.next()
		}
	}
	for range load.Calls {
		answer, err := l.answer()
		if err != nil {
			return sample, err
		}
		number, err := idOf(answer)
		if err != nil {
			return sample, err
		}
		if err := failed(answer); (err != nil) != l.Fails {
			return sample, fmt.Errorf("call %d did not end as it must: %w", number, err)
		}
		sample.Latencies = append(sample.Latencies, w.took(number))
		w.next()
	}
	sample.Elapsed = time.Since(begun)
	slices.Sort(sample.Latencies)
	w.stop()
	return sample, <-written
}

// window keeps InFlight calls under way. Its messages are written by a
// goroutine of their own: whoever reads must never wait for a full pipe.
type window struct {
	load    measure.Load
	request Request

	mu      sync.Mutex
	work    sync.Cond
	begun   []time.Time
	asked   int
	unsent  []byte
	stopped bool
}

// next begins another call, if there is one left.
func (w *window) next() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked == w.load.Calls {
		return
	}
	w.begun[w.asked] = time.Now()
	w.unsent = append(w.request.appendTo(w.unsent, w.load.First+w.asked), '\n')
	w.asked++
	w.work.Signal()
}

func (w *window) took(number int) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.begun[number-w.load.First])
}

func (w *window) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.work.Signal()
}

func (w *window) write(out io.Writer) error {
	var batch []byte
	for {
		w.mu.Lock()
		for len(w.unsent) == 0 && !w.stopped {
			w.work.Wait()
		}
		if len(w.unsent) == 0 {
			w.mu.Unlock()
			return nil
		}
		batch, w.unsent = w.unsent, batch[:0]
		w.mu.Unlock()
		if _, err := out.Write(batch); err != nil {
			return err
		}
	}
}
