package main

import (
	"os"
	"runtime/debug"
)

// softLimit is what memory is kept near, in bytes. The garbage collector lets the heap grow to twice of what it held when
// it last ran: many large messages at once were seen to take 180 MB, of which less than 30 MB were in use. What a server may
// hold for long has to stay well below, or the collector never rests: 4,000 event streams with 1,000 calls in flight were
// seen to hold 55 MB, and the fake within its bounds adds 32 MB at most.
const softLimit = 112 << 20

// limitMemory has the garbage collector run sooner near softLimit. GOMEMLIMIT goes before it.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}
