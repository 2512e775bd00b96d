package main

import (
	"bufio"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine is where the figures come from. It names nobody.
type Machine struct {
	CPU    string
	Cores  int
	Go     string
	Kernel string
	Disk   string // file system of the ledger
	Date   string
}

func describeMachine(dir string) Machine {
	m := Machine{
		CPU: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), Kernel: runtime.GOOS,
		Disk: fileSystem(dir), Date: time.Now().UTC().Format(time.DateOnly),
	}
	if model := after("/proc/cpuinfo", "model name", ":"); model != "" {
		m.CPU = model
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		number, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-") // what follows may name a provider
		m.Kernel = "Linux " + number
	}
	return m
}

// after returns what stands behind the separator in the first line of a file
// that begins so, or "".
func after(file, begin, separator string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), separator); ok && strings.TrimSpace(name) == begin {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem is the type of the file system that holds a directory, or "": the
// longest mount point above it decides.
func fileSystem(dir string) string {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	kind, longest := "", -1
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		if at := strings.TrimSuffix(fields[1], "/"); strings.HasPrefix(dir+"/", at+"/") && len(at) > longest {
			kind, longest = fields[2], len(at)
		}
	}
	return kind
}
