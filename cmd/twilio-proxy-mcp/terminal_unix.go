//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// windowOf is how many columns a terminal has, 0 if it does not know. ok is false if file is no terminal.
func windowOf(file *os.File) (columns int, ok bool) {
	onDescriptor(file, func(fd int) {
		if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
			columns, ok = int(size.Col), true
		}
	})
	return columns, ok
}

// inBackground says whether a terminal belongs to another job of its shell. A program that writes then disturbs that one, and
// may be stopped (stty tostop).
func inBackground(terminal *os.File) (is bool) {
	onDescriptor(terminal, func(fd int) {
		group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		is = err == nil && group != unix.Getpgrp()
	})
	return is
}

// onDescriptor leaves the file as it is. File.Fd may make it one whose writes block.
func onDescriptor(file *os.File, do func(fd int)) {
	if conn, err := file.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { do(int(fd)) })
	}
}
