//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stretchr/testify/require"
)

// A tampering does to the ledger's files what a person or a disk may do. It returns false when there is nothing to do it to.
type tampering struct {
	name  string
	ended syscall.Signal // how the servers were ended before
	do    func(w *world) bool
}

func (w *world) file(suffix string) string { return string(w.place) + suffix }

// whileStopped are done to a ledger that no server has open. A clean end leaves no WAL.
var whileStopped = []tampering{
	{"a byte of the WAL flipped", kill, func(w *world) bool {
		wal, err := os.ReadFile(w.file("-wal"))
		if err != nil || len(wal) == 0 {
			return false
		}
		wal[w.random.IntN(len(wal))] ^= 1 << w.random.IntN(8)
		return os.WriteFile(w.file("-wal"), wal, 0o600) == nil
	}},
	{"the WAL cut", kill, func(w *world) bool {
		info, err := os.Stat(w.file("-wal"))
		return err == nil && info.Size() > 0 && os.Truncate(w.file("-wal"), w.random.Int64N(info.Size())) == nil
	}},
	{"the WAL removed", kill, func(w *world) bool { return os.Remove(w.file("-wal")) == nil }},
	{"the WAL and its index removed", kill, func(w *world) bool { os.Remove(w.file("-shm")); return os.Remove(w.file("-wal")) == nil }},
	{"the main file removed", kill, func(w *world) bool { return os.Remove(string(w.place)) == nil }},
	{"the main file removed after a clean end", term, func(w *world) bool { return os.Remove(string(w.place)) == nil }},
	{"an old copy put back", kill, (*world).putBack},
	{"an old copy put back after a clean end", term, (*world).putBack},
}

func (w *world) putBack() bool {
	os.Remove(w.file("-wal"))
	os.Remove(w.file("-shm"))
	for name, content := range w.kept {
		if os.WriteFile(name, content, 0o600) != nil {
			return false
		}
	}
	return len(w.kept) > 0
}

// whileRunning is done to a ledger that servers are using.
var whileRunning = tampering{"the WAL and its index removed while in use", 0, func(w *world) bool {
	os.Remove(w.file("-shm"))
	return os.Remove(w.file("-wal")) == nil
}}

// keep makes a copy of the database, as a person does who backs it up.
func (w *world) keep() {
	w.kept = map[string][]byte{}
	for _, name := range []string{string(w.place), w.file("-wal")} {
		if content, err := os.ReadFile(name); err == nil {
			w.kept[name] = content
		}
	}
	w.truth.all("a copy of the ledger is made")
}

// tamper stops the servers, does something to the ledger, and starts them again.
func (w *world) tamper(which tampering) {
	w.stopAll(which.ended)
	if which.do(w) {
		w.count(which.name)
		w.truth.tamper("TAMPERED: %s", which.name)
	}
	w.startAll()
}

func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

// tamperAhead plans to do something to the ledger while it is in use.
func (w *world) tamperAhead() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = append(w.troubles, trouble{at: w.moments + 1 + w.random.IntN(10), name: whileRunning.name, do: func(w *world, _ string) {
		if whileRunning.do(w) {
			w.truth.tamper("TAMPERED: %s", whileRunning.name)
		}
	}})
}

// leaveOut goes the way out of a damaged ledger: "history accept-loss", or a new ledger where there is no such command.
func (w *world) leaveOut() {
	w.stopAll(term)
	help, _, _ := run(w.t, environment(w.t), "", "history", "--help")
	if strings.Contains(help, "accept-loss") {
		out, errOut, code := run(w.t, w.environment("person"), "", "history", "accept-loss")
		require.Zero(w.t, code, out+errOut)
	} else {
		w.ledgers++
		w.place = place(filepath.Join(w.home, fmt.Sprintf("ledger%d", w.ledgers), "ledger.db"))
	}
	w.count("a new ledger begun")
	w.kept = nil
	w.truth.tamper("A PERSON ACCEPTS THE LOSS: what was begun before is not repeated")
	w.startAll()
}
