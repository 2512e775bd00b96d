package main

func (b *bench) profile(dir string) error { return nil }
