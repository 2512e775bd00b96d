package fake

import (
	"slices"
	"strings"
	"time"
)

// e164 reports whether s is a + and two to fifteen digits that do not start with 0.
func e164(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	return plus && len(digits) >= 2 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// country returns the ISO code of a phone number's country. It knows only a few
// countries, and returns "" for others.
func country(phone string) string {
	for _, c := range []struct{ prefix, iso string }{
		{"+1", "US"}, {"+31", "NL"}, {"+33", "FR"}, {"+34", "ES"}, {"+39", "IT"}, {"+44", "GB"},
		{"+46", "SE"}, {"+49", "DE"}, {"+52", "MX"}, {"+55", "BR"}, {"+61", "AU"}, {"+81", "JP"}, {"+91", "IN"},
	} {
		if strings.HasPrefix(phone, c.prefix) {
			return c.iso
		}
	}
	return ""
}

// areaCode returns the three digits after +1, or "" for other countries.
func areaCode(phone string) string {
	if strings.HasPrefix(phone, "+1") && len(phone) >= 5 {
		return phone[2:5]
	}
	return ""
}

// holds reports whether a participant still uses its proxy identifier. While it
// does, no other participant with the same identifier can get that proxy
// identifier.
func (f *Fake) holds(p *participant, now time.Time) bool {
	if p == nil || f.world.participants[p.Sid] != p || !p.Deleted.IsZero() {
		return false
	}
	f.expireIfDue(p.session, now)
	return p.session.Status != "closed"
}

// assign gives p its proxy identifier: the requested one, or else one of the
// service's numbers.
func (f *Fake) assign(c *call, s *service, p *participant) error {
	taken := func(proxy string) bool {
		return f.holds(s.holders[pairing{p.Identifier, proxy}], c.now)
	}
	if p.ProxyIdentifierSid != "" || p.ProxyIdentifier != "" {
		n, err := s.requestedNumber(p)
		if err != nil {
			return err
		}
		if taken(n.PhoneNumber) {
			return refuse(400, 80604, "Proxy identifier already in use with requested identifier.")
		}
		p.ProxyIdentifier, p.ProxyIdentifierSid = n.PhoneNumber, n.Sid
		return nil
	}
	n, err := s.pickNumber(p.Identifier, taken)
	if err == nil {
		p.ProxyIdentifier, p.ProxyIdentifierSid = n.PhoneNumber, n.Sid
	}
	return err
}

// requestedNumber finds the number that the caller asked for.
func (s *service) requestedNumber(p *participant) (*number, error) {
	for _, n := range s.Numbers {
		if (p.ProxyIdentifierSid == "" || n.Sid == p.ProxyIdentifierSid) &&
			(p.ProxyIdentifier == "" || n.PhoneNumber == p.ProxyIdentifier) {
			return n, nil
		}
	}
	return nil, refuse(400, 80605, "Proxy identifier not associated with service.")
}

// pickNumber returns the oldest number that is not reserved, near enough and not
// taken. If there are several, prefer-sticky prefers the number that the
// identifier had last, and avoid-sticky avoids it.
func (s *service) pickNumber(identifier string, taken func(proxy string) bool) (*number, error) {
	const none = "This Service has no compatible Proxy numbers for this Participant. "
	if len(s.Numbers) == 0 {
		return nil, refuse(400, 80205, none+"This Service has no Proxy numbers configured.")
	}
	near := slices.DeleteFunc(slices.Clone(s.Numbers), func(n *number) bool { return !s.near(n.PhoneNumber, identifier) })
	if len(near) == 0 {
		return nil, refuse(400, 80203, "There are no numbers in the Service that can be assigned to this participant's identifier.")
	}
	unreserved := slices.DeleteFunc(near, func(n *number) bool { return n.IsReserved })
	if len(unreserved) == 0 {
		return nil, refuse(400, 80207, "The only matching candidate number(s) in your pool are marked as Reserved.")
	}
	free := slices.DeleteFunc(unreserved, func(n *number) bool { return taken(n.PhoneNumber) })
	if len(free) == 0 {
		return nil, refuse(400, 80208, none+"All matching proxies for this Participant are already in use in other Sessions.")
	}
	for i, n := range free {
		if last := n.PhoneNumber == s.sticky[identifier]; last == (s.NumberSelectionBehavior != "avoid-sticky") {
			return free[i], nil
		}
	}
	return free[0], nil
}

// near applies the geo match level. It treats overlay and radius like area-code.
// An identifier of an unknown country is near every number.
func (s *service) near(phone, identifier string) bool {
	if country(identifier) == "" {
		return true
	}
	if s.GeoMatchLevel == "country" || areaCode(identifier) == "" {
		return country(phone) == country(identifier)
	}
	return areaCode(phone) == areaCode(identifier)
}
