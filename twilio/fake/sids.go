package fake

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"twilio-proxy-mcp/schema"
)

// wellFormed reports whether s is a valid SID with this prefix.
func wellFormed(prefix, s string) bool {
	_, err := schema.ParseSid[schema.AnyPrefix](s)
	return err == nil && strings.HasPrefix(s, prefix)
}

// newSalt makes the SIDs of one world differ from those of all others. Each load
// gets a new salt, too: a killed process may have given out SIDs after its last
// write, and no other resource may get those.
func newSalt() string {
	var salt [6]byte
	_, _ = rand.Read(salt[:]) // documented to never fail
	return hex.EncodeToString(salt[:])
}

// mint returns the SID of a sequence number. The "fa4e" in it shows that it never
// was Twilio's.
func (w *world) mint(prefix string, seq uint64) string {
	return fmt.Sprintf("%sfa4e%s%016x", prefix, w.salt, seq)
}

// next returns an unused sequence number.
func (w *world) next() uint64 {
	w.minted++
	return w.minted
}
