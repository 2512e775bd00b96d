//go:build !linux

package main

import "time"

func processCPU(int) (time.Duration, error) { return 0, errNotHere }

func processRSS(int) (int64, error) { return 0, errNotHere }
