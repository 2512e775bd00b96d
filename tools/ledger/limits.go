package ledger

import (
	"context"
	"database/sql"
	"time"
)

// limit says OverLimit when a cap is reached, and a zero Decision otherwise. Claims under a cap wait for each other, so that
// the cap holds across processes.
func (b *book) limit(ctx context.Context, db querier, in Intent) (Decision, error) {
	if in.Limits.PerParticipantPerMinute <= 0 && in.Limits.PerMinute <= 0 {
		return Decision{}, nil
	}
	if err := b.lock(ctx, db, lockLimits, b.digest("limits", []string{in.Scope.Account, in.Scope.Host})); err != nil {
		return Decision{}, err
	}
	if most := in.Limits.PerParticipantPerMinute; most > 0 {
		after, err := room(ctx, db, in, most, in.Participant)
		if err != nil || after > 0 {
			return Decision{Verdict: OverLimit, RetryAfter: after, PerParticipant: true}, err
		}
	}
	if most := in.Limits.PerMinute; most > 0 {
		after, err := room(ctx, db, in, most, "")
		if err != nil || after > 0 {
			return Decision{Verdict: OverLimit, RetryAfter: after}, err
		}
	}
	return Decision{}, nil
}

// room is how long it takes until fewer than most claims of the last minute are left; 0 when they are fewer now.
func room(ctx context.Context, db querier, in Intent, most int, participant string) (time.Duration, error) {
	where, args := "account = $1 AND host = $2", []any{in.Scope.Account, in.Scope.Host, most}
	if participant != "" {
		where, args = where+" AND participant = $4", append(args, participant)
	}
	var count int
	var wait sql.NullInt64
	err := db.row(ctx, `SELECT count(*), min(begun) + 60000 - {now} FROM (SELECT begun FROM twilio_proxy_mcp_sends
		WHERE `+where+` AND begun > {now} - 60000 AND state IN ('claimed', 'sent', 'unknown')
		ORDER BY begun DESC LIMIT $3) AS lately`, args...).Scan(&count, &wait)
	if err != nil || count < most {
		return 0, err
	}
	// A clock that went back leaves claims in the future, which count for longer than a minute.
	return max(time.Duration(wait.Int64)*time.Millisecond, time.Second), nil
}
