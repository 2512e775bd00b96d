package ledger

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
)

// groupCommit runs operations in groups of one transaction each, on its own connection: while one commit waits for the disk,
// the operations that arrive are collected for the next.
type groupCommit struct {
	conn  *sql.Conn
	tx    *sqliteTransaction // on conn
	check func() error       // called before each transaction
	busy  chan struct{}      // holds one while a group runs
	// verify is called in each transaction, before its jobs; nil while there may be no tables.
	verify func(context.Context, transaction) (mark, error)

	mu     sync.Mutex
	queue  []*job
	closed bool
}

type job struct {
	ctx    context.Context
	op     operation
	result chan error // buffered
}

// do returns when the operation is durable or undone. It returns the error of ctx only when the operation has not begun, and
// then it never will.
func (g *groupCommit) do(ctx context.Context, op operation) error {
	if err := ctx.Err(); err != nil {
		return err // the operation could begin before the select below sees the end of ctx
	}
	j := &job{ctx, op, make(chan error, 1)}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return ErrClosed
	}
	g.queue = append(g.queue, j)
	g.mu.Unlock()
	begin := g.busy
	for {
		select {
		case err := <-j.result:
			return err
		case begin <- struct{}{}:
			begin = nil // this group has the job
			go func() {
				g.runGroup()
				<-g.busy
			}()
		case <-ctx.Done():
			if g.leave(j) {
				return ctx.Err()
			}
			return <-j.result
		}
	}
}

// leave takes the job out of the queue, if it is still there.
func (g *groupCommit) leave(j *job) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.queue)
	g.queue = slices.DeleteFunc(g.queue, func(other *job) bool { return other == j })
	return len(g.queue) < before
}

func (g *groupCommit) close() (err error) {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.busy <- struct{}{} // for good
	g.runGroup()
	for _, statement := range g.tx.prepared { // an open one would keep the file open
		err = errors.Join(err, statement.Close())
	}
	return errors.Join(err, g.conn.Close())
}

func (g *groupCommit) take() []*job {
	g.mu.Lock()
	defer g.mu.Unlock()
	jobs := g.queue
	g.queue = nil
	return jobs
}

func finish(jobs []*job, err error) {
	for _, j := range jobs {
		j.result <- err
	}
}

// runGroup runs the waiting jobs in one transaction. It takes them only when the transaction has begun, so that callers can
// leave while another process holds the lock. When one fails, each runs again in a transaction of its own.
func (g *groupCommit) runGroup() {
	g.mu.Lock()
	idle := len(g.queue) == 0
	g.mu.Unlock()
	if idle {
		return
	}
	if err := g.begin(); err != nil {
		finish(g.take(), err)
		return
	}
	jobs := g.take()
	err := g.commit(jobs)
	if err == nil || len(jobs) < 2 {
		finish(jobs, err)
		return
	}
	for _, j := range jobs {
		if err = g.begin(); err == nil {
			err = g.commit([]*job{j})
		}
		j.result <- err
	}
}

func (g *groupCommit) begin() error {
	err := g.check()
	if err == nil {
		_, err = g.tx.exec(context.Background(), "BEGIN IMMEDIATE")
	}
	if err != nil || g.verify == nil {
		return err
	}
	if _, err = g.verify(context.Background(), g.tx); err != nil {
		g.tx.exec(context.Background(), "ROLLBACK")
	}
	return err
}

// commit runs the jobs and commits, or undoes everything. No context interrupts it: the operations take microseconds, and an
// interrupted statement would undo the work of others.
func (g *groupCommit) commit(jobs []*job) (err error) {
	for _, j := range jobs {
		if err == nil {
			err = j.op(context.WithoutCancel(j.ctx), g.tx)
		}
	}
	if err == nil {
		_, err = g.tx.exec(context.Background(), "COMMIT")
	}
	if err != nil {
		g.tx.exec(context.Background(), "ROLLBACK") // fails when SQLite has rolled back already
	}
	return err
}
