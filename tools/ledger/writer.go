package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
)

// writer commits in groups: while one commit waits for the disk, the operations that arrive are gathered for the next. It
// owns its connection; operations run one at a time.
type writer struct {
	conn  *sql.Conn
	db    *sqliteStatements
	check func() error // asked before each transaction

	mu     sync.Mutex
	queue  []*job
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

type job struct {
	ctx  context.Context
	op   operation
	err  error
	done chan struct{}
}

func newWriter(conn *sql.Conn, check func() error) *writer {
	w := &writer{conn: conn, db: &sqliteStatements{on: conn}, check: check, wake: make(chan struct{}, 1),
		done: make(chan struct{})}
	go w.run()
	return w
}

// do returns when the operation is durable or undone. It returns early with the context's error only while the operation has
// not been begun, and then it never will be.
func (w *writer) do(ctx context.Context, op operation) error {
	if err := ctx.Err(); err != nil {
		return err // the writer could be quicker than the select below
	}
	j := &job{ctx: ctx, op: op, done: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.queue = append(w.queue, j)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	w.mu.Unlock()
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	w.mu.Lock()
	i := slices.Index(w.queue, j)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	w.mu.Unlock()
	if i >= 0 {
		return ctx.Err()
	}
	<-j.done
	return j.err
}

func (w *writer) take() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	jobs := w.queue
	w.queue = nil
	return jobs
}

func (w *writer) run() {
	defer close(w.done)
	for range w.wake {
		for w.waiting() {
			w.group()
		}
	}
	finish(w.take(), ErrClosed)
}

func (w *writer) waiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) > 0
}

func finish(jobs []*job, err error) {
	for _, j := range jobs {
		j.err = err
		close(j.done)
	}
}

// group runs what waits in one transaction. The jobs are taken only when the transaction has begun, so that callers can still
// leave while another process holds the lock. When anything fails, each job gets a transaction of its own.
func (w *writer) group() {
	if err := w.begin(); err != nil {
		finish(w.take(), err)
		return
	}
	jobs := w.take()
	err := w.commit(jobs)
	if err == nil || len(jobs) == 1 {
		finish(jobs, err)
		return
	}
	for _, j := range jobs {
		err := w.begin()
		if err == nil {
			err = w.commit([]*job{j})
		}
		finish([]*job{j}, err)
	}
}

func (w *writer) begin() error {
	if err := w.check(); err != nil {
		return err
	}
	_, err := w.db.prepared(context.Background(), "BEGIN IMMEDIATE")
	return err
}

// commit runs the jobs and commits, or undoes everything. What an operation does is over in microseconds, so that no context
// interrupts it: an interrupted statement would undo the work of others.
func (w *writer) commit(jobs []*job) (err error) {
	defer func() {
		if err != nil {
			w.db.prepared(context.Background(), "ROLLBACK") // fails when SQLite has rolled back already
		}
	}()
	for _, j := range jobs {
		if err := j.op(context.WithoutCancel(j.ctx), w.db); err != nil {
			return err
		}
	}
	_, err = w.db.prepared(context.Background(), "COMMIT")
	return err
}

func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.wake)
	}
	w.mu.Unlock()
	<-w.done
	return errors.Join(w.db.close(), w.conn.Close())
}
