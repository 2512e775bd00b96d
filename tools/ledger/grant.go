package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"
)

// grant decides on an intent within one transaction: it grants the claim unless an earlier entry or a cap forbids it.
func (s *store) grant(ctx context.Context, tx transaction, in Intent, d digests, claim *Claim) (Decision, error) {
	// Until the transaction ends, no other can claim or settle what looks the same upstream.
	if err := cmp.Or(tx.lock(ctx, lockContent, d.listed), s.check(ctx, tx)); err != nil {
		return Decision{}, err
	}
	earlier, err := earlierEntries(ctx, tx, in, d)
	if err != nil {
		return Decision{}, err
	}
	decision, err := judge(ctx, tx, earlier, d)
	if err == nil && decision.Verdict == 0 && !in.known {
		decision, err = checkLimits(ctx, tx, in, d)
	}
	if err != nil || decision.Verdict != 0 || in.known {
		return decision, err
	}
	var upstream sql.NullInt64
	if in.UpstreamBegun != nil {
		upstream = millis(in.UpstreamBegun())
	}
	r, err := scanRecord(tx.queryRow(ctx, `INSERT INTO twilio_proxy_mcp_sends (claim, owner, account, host, service, session,
		participant, content, listed, idem, upstream_begun, state, begun)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'claimed', {now} WHERE {owner_lives}
		RETURNING `+columns, claim.token, claim.owner, in.Scope.Account, in.Scope.Host, in.Service, in.Session,
		in.Participant, d.content, d.listed, d.idem, upstream))
	if errors.Is(err, sql.ErrNoRows) {
		err = errOwnerGone
	}
	if err != nil {
		return Decision{}, err
	}
	claim.ID = r.ID
	return Decision{Verdict: Granted, Claim: claim, Entry: r.Entry}, nil
}

// A call without a key meets every unresolved entry of its content, and the latest sent one within the window. A call with a
// key meets the entry of this key that still counts (there is at most one) or else the latest, and the unresolved entries of
// its content that have no key.
const (
	earlierWithoutKey = `SELECT * FROM (SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE content = $1 AND state = 'sent' AND settled > {now} - $2 ORDER BY settled DESC LIMIT 1) AS lately
	UNION ALL SELECT ` + columns + ` FROM twilio_proxy_mcp_sends WHERE content = $1 AND state IN ('claimed', 'unknown')`
	earlierWithKey = `SELECT * FROM (SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE idem = $2 ORDER BY (state IN ('claimed', 'unknown', 'sent')) DESC, id DESC LIMIT 1) AS named
	UNION ALL SELECT ` + columns + ` FROM twilio_proxy_mcp_sends
		WHERE content = $1 AND state IN ('claimed', 'unknown') AND idem IS NULL`
)

// earlierEntries reads what the intent is compared with. A settlement in the future (the clock went back) is within the window.
func earlierEntries(ctx context.Context, tx transaction, in Intent, d digests) ([]record, error) {
	if d.idem != nil {
		return queryRecords(ctx, tx, earlierWithKey, d.content, d.idem)
	}
	window := in.Window.Milliseconds()
	if window <= 0 {
		window = -1 << 52 // matches only what was settled more than 140,000 years in the future: nothing
	}
	return queryRecords(ctx, tx, earlierWithoutKey, d.content, window)
}

// judge says which earlier entry answers the intent. The Verdict is zero when none does. The claim of a dead owner becomes unknown first.
func judge(ctx context.Context, tx transaction, earlier []record, d digests) (decision Decision, err error) {
	for _, r := range earlier {
		if d.idem != nil && bytes.Equal(r.idem, d.idem) && !bytes.Equal(r.content, d.content) {
			return Decision{Verdict: Conflict, Entry: r.Entry}, nil
		}
		if r.State == Claimed {
			alive, err := tx.alive(ctx, r.owner)
			if err == nil && !alive {
				r, err = markUnknown(ctx, tx, r.ID, r.claim)
			}
			if err != nil {
				return Decision{}, err
			}
		}
		switch {
		case r.State == Claimed:
			decision = Decision{Verdict: inProgress, Entry: r.Entry, awaited: r.claim}
		case r.State == Sent && d.mayShare(r):
			return Decision{Verdict: Replay, Entry: r.Entry}, nil
		case r.State == Unknown && decision.Verdict != inProgress:
			decision = Decision{Verdict: Unresolved, Entry: r.Entry}
		}
	}
	return decision, nil
}

// checkLimits says OverLimit when a cap is reached; otherwise the Verdict is zero. Claims under a cap wait for each other, so
// that the cap holds across processes.
func checkLimits(ctx context.Context, tx transaction, in Intent, d digests) (Decision, error) {
	if in.Limits.PerParticipantPerMinute <= 0 && in.Limits.PerMinute <= 0 {
		return Decision{}, nil
	}
	if err := tx.lock(ctx, lockLimits, d.limits); err != nil {
		return Decision{}, err
	}
	caps := []int{in.Limits.PerParticipantPerMinute, in.Limits.PerMinute}
	for i, participant := range []string{in.Participant, ""} { // "" is all participants
		most := caps[i]
		if most <= 0 {
			continue
		}
		var count int
		var wait sql.NullInt64 // until the oldest of these claims is a minute old
		err := tx.queryRow(ctx, `SELECT count(*), min(begun) + 60000 - {now} FROM (SELECT begun FROM twilio_proxy_mcp_sends
			WHERE account = $1 AND host = $2 AND ($3 = '' OR participant = $3) AND begun > {now} - 60000
				AND state IN ('claimed', 'sent', 'unknown')
			ORDER BY begun DESC LIMIT $4) AS lately`, in.Scope.Account, in.Scope.Host, participant, most).Scan(&count, &wait)
		if err != nil || count >= most {
			// A claim in the future (the clock went back) counts for longer than a minute.
			after := max(time.Duration(wait.Int64)*time.Millisecond, time.Second)
			return Decision{Verdict: OverLimit, RetryAfter: after, PerParticipant: participant != ""}, err
		}
	}
	return Decision{}, nil
}
