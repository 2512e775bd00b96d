package twilio

import (
	"sync"
	"time"
)

// maxStrays bounds a Strays. Our choice: one receipt of another message is rare.
const maxStrays = 1000

// Strays remembers the interactions whose receipts came as another message's. A
// request that began later did not make them. The zero value is empty. It is safe
// for concurrent use.
type Strays struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// Add remembers that the interaction was there at this time. It does nothing for "".
func (s *Strays) Add(sid string, at time.Time) {
	if sid == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= maxStrays {
		s.seen = map[string]time.Time{}
	}
	if _, known := s.seen[sid]; !known {
		s.seen[sid] = at
	}
}

// Precedes reports whether the interaction was there before this time.
func (s *Strays) Precedes(sid string, since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, known := s.seen[sid]
	return known && !at.After(since)
}
