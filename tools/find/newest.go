package find

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"twilio-proxy-mcp/schema"
)

const (
	defaultLimit = 20
	maxLimit     = 100
)

// from1ToMaxLimit is a Rule, because providers refuse the keywords for the range of a number.
func from1ToMaxLimit(arguments map[string]any) []string {
	if limit, isNumber := arguments["Limit"].(float64); isNumber && (limit < 1 || limit > maxLimit) {
		return []string{fmt.Sprintf("Limit: must be a whole number from 1 to %d", maxLimit)}
	}
	return nil
}

var _ schema.Rule = from1ToMaxLimit

// newest keeps the newest records of a list of any length.
type newest[T any] struct {
	limit   int
	matched int // how many were added
	undated int // how many of them have no time that can be read; they count as the oldest

	kept        []dated[T]
	first, last time.Time // of those with a time, in the order of the list
}

type dated[T any] struct {
	value T
	time  time.Time
	place int
}

func (n *newest[T]) add(value T, at time.Time) {
	n.kept = append(n.kept, dated[T]{value, at, n.matched})
	n.matched++
	switch {
	case at.IsZero():
		n.undated++
	case n.first.IsZero():
		n.first, n.last = at, at
	default:
		n.last = at
	}
	if len(n.kept) >= 2*n.limit {
		n.cut()
	}
}

// cut drops all but the newest, and leaves them newest first. Times are to the second; of two in the same second the order
// of the list tells, which counts as newest first unless it turns out to be the other way around.
func (n *newest[T]) cut() {
	oldestFirst := n.last.After(n.first)
	slices.SortFunc(n.kept, func(a, b dated[T]) int {
		switch order := b.time.Compare(a.time); {
		case order != 0:
			return order
		case oldestFirst:
			return b.place - a.place
		default:
			return a.place - b.place
		}
	})
	n.kept = n.kept[:min(n.limit, len(n.kept))]
}

// newestFirst are the records that were kept; never nil.
func (n *newest[T]) newestFirst() []T {
	n.cut()
	values := make([]T, len(n.kept))
	for i, one := range n.kept {
		values[i] = one.value
	}
	return values
}

// A sidSet is of the SIDs of a list so far: while it is read, records may move on to the next page. Sixteen bytes each are the
// most that is kept of a long list.
type sidSet map[[16]byte]struct{}

// again reports whether a SID was asked about before. "" never was.
func (s sidSet) again(sid string) bool {
	var key [16]byte
	if len(sid) != 2+hex.EncodedLen(len(key)) {
		return false
	}
	if _, err := hex.Decode(key[:], []byte(sid[2:])); err != nil {
		return false
	}
	_, before := s[key]
	s[key] = struct{}{}
	return before
}
