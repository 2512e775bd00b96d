package fake

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"twilio-proxy-mcp/schema"
)

// wellFormed reports whether s is a SID that begins with prefix.
func wellFormed(prefix, s string) bool {
	_, err := schema.ParseSid[schema.AnyPrefix](s)
	return err == nil && strings.HasPrefix(s, prefix)
}

// newSalt sets the SIDs of one world apart from those of every other. It is new
// with each load, too: what a killed process minted after its last write is in
// no file, and its SIDs must not be given to something else.
func newSalt() string {
	var salt [6]byte
	_, _ = rand.Read(salt[:]) // documented to never fail
	return hex.EncodeToString(salt[:])
}

// mint returns the SID that belongs to a sequence number. Its "fa4e" says that
// it was never Twilio's.
func (w *world) mint(prefix string, seq uint64) string {
	return fmt.Sprintf("%sfa4e%s%016x", prefix, w.salt, seq)
}

// next returns a sequence number that no record of this world has.
func (w *world) next() uint64 {
	w.minted++
	return w.minted
}
