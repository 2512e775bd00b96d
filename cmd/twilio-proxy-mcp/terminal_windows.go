package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// windowOf is how many columns a console has. ok is false if file is no console.
func windowOf(file *os.File) (columns int, ok bool) {
	var info windows.ConsoleScreenBufferInfo
	err := windows.GetConsoleScreenBufferInfo(windows.Handle(file.Fd()), &info)
	return int(info.Window.Right-info.Window.Left) + 1, err == nil
}

// inBackground is for systems with job control.
func inBackground(*os.File) bool { return false }
