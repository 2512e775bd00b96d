package main

import (
	"os"
	"runtime/debug"
)

// softLimit is what memory is kept near, in bytes. The garbage collector lets the heap grow to twice of what it held when
// it last ran: many large messages at once were seen to take 180 MB, of which less than 30 MB were in use. A server that
// holds more than this, with thousands of event streams and calls, collects more often and goes on.
const softLimit = 112 << 20

// limitMemory has the garbage collector run sooner near softLimit. GOMEMLIMIT goes before it.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}
