package ledger

import (
	"context"
	"database/sql"
	"errors"
)

// groupCommit runs operations in groups of one transaction each, on its own connection: while one commit waits for the disk,
// the operations that arrive wait for the next.
type groupCommit struct {
	conn  *sql.Conn
	tx    *sqliteTransaction // on conn
	check func() error       // called before each transaction
	// verify is called in each transaction, before its jobs; nil while there may be no tables.
	verify func(context.Context, transaction) (mark, error)
	seen   mark // what it returned

	wake        chan struct{} // taken while no group runs, to run one
	jobs        chan job      // taken once a group's transaction has begun
	ended, done chan struct{} // closed by close, and when no group runs any more
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
	j := job{ctx, op, make(chan error, 1)}
	for {
		select {
		case g.jobs <- j:
			return <-j.result
		case g.wake <- struct{}{}:
		case <-g.ended:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *groupCommit) run() {
	defer close(g.done)
	for {
		select {
		case <-g.wake:
			g.runGroup()
		case <-g.ended:
			return
		}
	}
}

func (g *groupCommit) close() (err error) {
	close(g.ended)
	<-g.done
	for _, statement := range g.tx.prepared { // an open one would keep the file open
		err = errors.Join(err, statement.Close())
	}
	return errors.Join(err, g.conn.Close())
}

// runGroup runs the waiting jobs in one transaction. It takes them only when the transaction has begun, so that callers can
// leave while another process holds the lock. When one fails, each runs again in a transaction of its own.
func (g *groupCommit) runGroup() {
	err := g.begin()
	jobs := g.take()
	begun := err == nil
	if begun {
		err = g.commit(jobs)
	}
	again := begun && err != nil && len(jobs) > 1
	for _, j := range jobs {
		if again {
			if err = g.begin(); err == nil {
				err = g.commit([]job{j})
			}
		}
		j.result <- err
	}
}

func (g *groupCommit) take() (jobs []job) {
	for {
		select {
		case j := <-g.jobs:
			jobs = append(jobs, j)
		default:
			return jobs
		}
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
	if g.seen, err = g.verify(context.Background(), g.tx); err != nil {
		g.tx.exec(context.Background(), "ROLLBACK")
	}
	return err
}

// commit runs the jobs and commits, or undoes everything. No context interrupts it: the operations take microseconds, and an
// interrupted statement would undo the work of others.
func (g *groupCommit) commit(jobs []job) (err error) {
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
