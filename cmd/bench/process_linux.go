package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// processCPU reads the CPU clock of another process, which counts nanoseconds
// where /proc counts hundredths of a second. The number of such a clock is made
// as in clock_getcpuclockid(3).
func processCPU(pid int) (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|2, &now); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(now.Nano()), nil
}

func processRSS(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kilobytes int64
	_, err = fmt.Sscan(string(after), &kilobytes)
	return kilobytes << 10, err
}
