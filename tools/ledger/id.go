package ledger

import (
	"fmt"
	"strconv"
	"strings"
)

// ID names an entry: its number in the ledger and the first letters of its claim's random token, such as 41-k7f3q. The number
// finds the entry, and the letters prove that it is the one that was meant: another ledger, or a copy that went on by itself,
// has another message under that number. They are 25 of the token's 130 bits, so that an ID gives nobody the claim. An ID that
// is a number alone, as older versions gave them, fits whatever entry has it.
type ID struct {
	number int64
	proof  string // as in the token, in capitals; "" in a number alone
}

const proofLetters = 5

func idOf(number int64, token string) ID { return ID{number, token[:min(proofLetters, len(token))]} }

// Proven says that the ID has its letters, and so fits one message only.
func (id ID) Proven() bool { return id.proof != "" }

// String is the ID as people and programs read it, or "" for none.
func (id ID) String() string {
	if id.number == 0 {
		return ""
	}
	return strings.TrimSuffix(fmt.Sprintf("%d-%s", id.number, strings.ToLower(id.proof)), "-")
}

// MarshalText is String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what String writes, in small letters or capitals. The error says what an ID looks like.
func (id *ID) UnmarshalText(text []byte) error {
	digits, proof, dash := strings.Cut(strings.ToUpper(string(text)), "-")
	number, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || number == 0 || dash && (len(proof) != proofLetters || strings.Trim(proof, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "") {
		return fmt.Errorf("%q is no ID of an entry: it must be like 41-k7f3q, as the history lists it", text)
	}
	*id = ID{int64(number), proof}
	return nil
}
