package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"twilio-proxy-mcp/tools/ledger"
)

type historyAcceptLossCmd struct{}

// Run says what is missing, and makes the ledger usable without it. Nothing is deleted.
func (cmd *historyAcceptLossCmd) Run(ctx context.Context, c *Common, s program) error {
	l, err := c.historyLedger(s)
	if err != nil {
		return err
	}
	path := l.Path
	if real, unresolved := filepath.EvalSymlinks(path); unresolved == nil {
		path = real // a link to it leads nowhere once it is moved aside
	}
	damage := l.Check(ctx)
	l.Close() // before its files change their names
	unusable, is := damaged(damage)
	switch {
	case damage == nil:
		return fmt.Errorf("%s is not damaged: nothing was changed", ledgerName(l))
	case !is:
		return fmt.Errorf("nothing was changed: %w", c.failed(l, damage))
	}
	if info, err := os.Stat(markOf(path)); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("nothing was changed: %s is no regular file: move it away, then accept the loss again", markOf(path))
	}
	record := fmt.Sprintf("%s: %v", time.Now().UTC().Format(time.RFC3339), unusable.Err)
	err = accept(ctx, l, record)
	if _, still := damaged(err); still { // it cannot be read at all, or not as a whole
		var aside string
		if aside, err = moveAside(path); err == nil {
			if aside != "" {
				record += "; what could not be used is in " + aside
			}
			err = accept(ctx, &ledger.Ledger{Path: path, Log: l.Log}, record)
		}
	}
	if err != nil {
		return fmt.Errorf("the loss was not accepted: %w", c.failed(l, err))
	}
	fmt.Fprintf(s.out, "Accepted, at %s\n%s is in use again. A message that is missing from it can be sent again: look at the conversations.\n", record, ledgerName(l))
	return nil
}

func damaged(err error) (*ledger.UnavailableError, bool) {
	unusable, is := errors.AsType[*ledger.UnavailableError](err)
	return unusable, is && unusable.Reason == ledger.Corrupt
}

// accept opens the ledger as it is.
func accept(ctx context.Context, l *ledger.Ledger, record string) error {
	accepting := &ledger.Ledger{Path: l.Path, MustExist: l.MustExist, Accepts: record, Log: l.Log}
	defer accepting.Close()
	return accepting.Check(ctx)
}

func markOf(path string) string {
	files := ledger.Files(path)
	return files[len(files)-1]
}

// moveAside renames the files of a ledger and returns what they are called now; "" means that none was there. Without a mark, or
// with an empty one, they may be anybody's, and stay. The mark stays where it is: it tells that the ledger is not there, until a
// new one has recorded the loss.
func moveAside(path string) (aside string, err error) {
	from, to := ledger.Files(path), ledger.Files(path+time.Now().UTC().Format("-damaged-20060102T150405Z"))
	if mark, _ := os.ReadFile(markOf(path)); len(mark) == 0 {
		return "", errors.New("its mark is gone or empty, so nothing shows that this was a ledger: it stays as it is; move it away yourself to begin a new ledger")
	}
	var moved []string
	for i := range len(from) - 1 {
		err := os.Rename(from[i], to[i])
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		moved = append(moved, to[i])
	}
	return strings.Join(moved, ", "), nil
}
