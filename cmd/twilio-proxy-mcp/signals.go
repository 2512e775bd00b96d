package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignalled returns a context that ends at the first SIGINT, SIGTERM or SIGHUP.
//
// A second SIGINT or SIGTERM kills the process at once: the default handling is restored before the context ends.
// (signal.NotifyContext restores it only when stop is called.) SIGHUP never kills: of one terminal that closes, the
// kernel and the shell may send one each.
//
// A SIGINT or SIGHUP that was ignored when the process began stays ignored, as under nohup, or after & in a script.
//
// On Windows, SIGTERM is what Go makes of a console that closes, a logoff and a shutdown. Windows ends the process a few
// seconds later.
func untilSignalled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	asked, hungUp := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	if !signal.Ignored(os.Interrupt) {
		signal.Notify(asked, os.Interrupt)
	}
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(hungUp, syscall.SIGHUP)
	}
	go func() {
		select {
		case <-asked:
		case <-hungUp:
			cancel()
			<-asked
		}
		signal.Stop(asked)
		cancel()
	}()
	return ctx
}

// surviveBrokenPipes makes a write to a pipe that nobody reads any more an error. The Go runtime would end the process by
// SIGPIPE if that pipe is stdout or stderr (see os/signal), and with it a send in flight.
func surviveBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
