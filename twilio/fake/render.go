package fake

import (
	"encoding/json"
	"time"
)

// An orNull is a text that the API writes as null if it is empty.
type orNull string

func (s orNull) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return encode(string(s)), nil
}

// A stamp is a time as the API writes it: in GMT, to the second, and null for the
// zero time.
type stamp time.Time

func (t stamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(time.Time(t).UTC().Format("2006-01-02T15:04:05Z"))
}

// The URLs of records. base is the address at which the client reached the fake.

func (s *service) url(base string) string { return base + "/v1/Services/" + s.Sid }

func (n *number) url(base string) string { return n.service.url(base) + "/PhoneNumbers/" + n.Sid }

func (c *session) url(base string) string { return c.service.url(base) + "/Sessions/" + c.Sid }

func (p *participant) url(base string) string { return p.session.url(base) + "/Participants/" + p.Sid }
