package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// processCPU reads the CPU clock of another process, as clock_getcpuclockid(3) does. The clock counts nanoseconds,
// where /proc counts hundredths of a second.
func processCPU(pid int) time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(int32(^pid)<<3|2, &now) // zero means "not measured"
	return time.Duration(now.Nano())
}

// processMemory returns the resident memory in MB, or zero when it is not known.
func processMemory(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kilobytes float64
	_, _ = fmt.Sscan(string(after), &kilobytes)
	return kilobytes / 1024
}
