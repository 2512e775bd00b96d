// Package ledger remembers sends, so that a repeated call is never a second
// message.
//
// A sender claims a message, sends it, and settles the claim with what came of it:
//
//	l := &ledger.Ledger{Path: "/home/me/.local/state/ledger.db"}
//	decision, err := l.Claim(ctx, ledger.Intent{…})
//	if err != nil || decision.Verdict != ledger.Granted {
//		return // nothing may be sent; the verdict says why
//	}
//	if err := decision.Claim.Stands(ctx); err != nil {
//		return
//	}
//	receipt := send()
//	err = decision.Claim.Settle(ctx, ledger.Settlement{State: ledger.Sent, Receipt: receipt})
//
// The same Intent then has the verdict Replay, and the entry has the receipt.
//
// # Entries
//
// An entry is one send. It is claimed while somebody is sending, and then sent,
// refused, not_sent or unknown. Refused and not-sent entries free their message.
// Claimed and unknown ones block it. Messages and idempotency keys are stored as
// keyed digests only.
//
// # Owners
//
// The owner of a claim is the process that made it. A claim of a dead owner is
// unknown: nobody can say whether its message went out. Who is dead is proven,
// never guessed from the time that passed. On SQLite an owner keeps a file locked,
// and the operating system ends the lock with the process. On PostgreSQL an owner
// keeps a session with an advisory lock. Because a session can end while its
// process lives, nobody may free its message before SessionGrace has passed.
//
// # What is unknown
//
// An unknown entry is settled by Reconcile, when its message was found at the
// upstream, or by Resolve, on a person's word. Both refuse while the owner lives.
//
// # Databases
//
// SQLite is for the processes of one user on one machine. PostgreSQL is for
// replicas. A claim is durable before Claim returns; on SQLite, claims that come
// at the same time share one commit.
package ledger
