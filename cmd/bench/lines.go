package main

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// lines is a client of a server over stdio.
type lines struct {
	request request       // what every call sends
	refused bool          // the server must answer every call with an error
	in      io.Writer     // the server's stdin
	out     *bufio.Reader // the server's stdout
}

// open begins the session.
func (l *lines) open() error {
	err := l.exchange(initialize)
	if err == nil {
		_, err = io.WriteString(l.in, initialized+"\n")
	}
	return err
}

// exchange writes a message and waits for the answer.
func (l *lines) exchange(message string) error {
	_, err := io.WriteString(l.in, message+"\n")
	if err == nil {
		_, err = l.answer()
	}
	return err
}

// answer reads the next answer and returns its id.
func (l *lines) answer() (int, error) {
	for {
		line, err := l.out.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if bytes.Contains(line[:min(len(line), 60)], []byte(`"method":`)) {
			continue // a notification: some servers log with them
		}
		if err := check(line, l.refused); err != nil {
			return 0, err
		}
		return idOf(line)
	}
}

func (l *lines) run(load load) (sample, error) {
	s := sample{}
	begun := make([]time.Time, load.Calls)
	queue := make(chan int, load.Calls) // the calls that are to be written
	var asked atomic.Int64
	next := func() {
		if i := int(asked.Add(1)) - 1; i < load.Calls {
			begun[i] = time.Now()
			queue <- load.First + i
		}
	}
	started := time.Now()
	go l.write(queue)
	for caller := range load.InFlight {
		if wait := load.wait(caller); wait > 0 {
			time.AfterFunc(wait, next)
		} else {
			next()
		}
	}
	for range load.Calls {
		number, err := l.answer()
		if err != nil {
			return s, err
		}
		s.Latencies = append(s.Latencies, time.Since(begun[number-load.First]))
		next()
	}
	s.Elapsed = time.Since(started)
	close(queue)
	slices.Sort(s.Latencies)
	return s, nil
}

// write sends the calls in the queue. It has its own goroutine: a reader that also wrote could wait for a full pipe for
// ever. All calls that are ready go out in one write.
func (l *lines) write(queue <-chan int) {
	var batch []byte
	for number := range queue {
		batch = append(append(batch[:0], l.request.number(number)...), '\n')
		for range len(queue) {
			batch = append(append(batch, l.request.number(<-queue)...), '\n')
		}
		if _, err := l.in.Write(batch); err != nil {
			return // the server has ended; the reader sees the end of its output
		}
	}
}

// pingDuring writes all the calls at once, and then the pings a millisecond apart. It returns how long the pings took.
// Their numbers must be above those of the calls.
func (l *lines) pingDuring(calls, firstCall, pings, firstPing int) (sample, error) {
	var burst strings.Builder
	for i := range calls {
		burst.WriteString(l.request.number(firstCall+i) + "\n")
	}
	begun := make([]time.Time, pings)
	go func() {
		_, err := io.WriteString(l.in, burst.String())
		for i := 0; i < pings && err == nil; i++ {
			begun[i] = time.Now()
			_, err = io.WriteString(l.in, ping.number(firstPing+i)+"\n")
			time.Sleep(time.Millisecond)
		}
		// After an error the server has ended, and the reader below sees the end of its output.
	}()
	var s sample
	for range calls + pings {
		number, err := l.answer()
		if err != nil {
			return s, err
		}
		if number >= firstPing {
			s.Latencies = append(s.Latencies, time.Since(begun[number-firstPing]))
		}
	}
	slices.Sort(s.Latencies)
	return s, nil
}
