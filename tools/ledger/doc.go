// Package ledger remembers which messages were begun and how they ended, so that a repeated call is never a second message.
//
// A sender asks for a claim ([Ledger.Claim]), asks once more whether it stands ([Claim.Stands]), sends, and settles it
// ([Claim.Settle]). A repeat gets the receipt of the first. The example shows it.
//
// # Entries and states
//
// An [Entry] is one send. It is claimed first, then settled as sent, refused, not sent or unknown. A claimed or unknown entry
// blocks repeats. A sent one answers them: for [Intent.Window], or for ever if they have its idempotency key. A refused or unsent
// one leaves the message free. A repeat has the same key, or the same content and no key; a new key means a new message.
//
// An [ID] names an entry. It fits no entry of another ledger, so that a person who looks at the wrong one settles nothing there.
//
// # Who is dead
//
// The process that gets a [Claim] is its owner, known to others by a random token. It is dead when its lock has ended, never
// because time has passed. On SQLite the lock is on a file beside the database, and the operating system ends it with the
// process. On PostgreSQL it is an advisory lock of a session, which can end while the process lives. So [Claim.Stands] asks for
// the lock once more before the message goes out, and nobody can free the message for [SessionGrace].
//
// The claim of a dead owner becomes unknown, and so does a send whose answer was lost: the message may have gone out or not.
//
// # Lost entries
//
// SQLite leaves out what it cannot read of its WAL, which has the latest entries. So a mark beside the file, PATH-mark, has the
// number of the last entry that was sent. [Claim.Stands] makes it durable, and every transaction compares it. A ledger that is
// behind its mark, or has none, is [Corrupt]. A person goes on without what is missing ([Ledger.Accepts]).
// On PostgreSQL only a process that runs knows of an entry, the one that it made last or found at its start.
//
// Content, idempotency keys and callers are stored as keyed digests only.
package ledger
