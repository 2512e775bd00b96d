package fake

import (
	"slices"
	"strings"
	"time"
)

// e164 reports whether s is a + and two to fifteen digits, the first not 0.
func e164(s string) bool {
	digits, plus := strings.CutPrefix(s, "+")
	return plus && len(digits) >= 2 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// country tells the ISO code of a few countries by calling code; "" = another.
func country(phone string) string {
	for _, known := range []struct{ prefix, iso string }{
		{"+1", "US"}, {"+31", "NL"}, {"+33", "FR"}, {"+34", "ES"}, {"+39", "IT"}, {"+44", "GB"},
		{"+46", "SE"}, {"+49", "DE"}, {"+52", "MX"}, {"+55", "BR"}, {"+61", "AU"}, {"+81", "JP"}, {"+91", "IN"},
	} {
		if strings.HasPrefix(phone, known.prefix) {
			return known.iso
		}
	}
	return ""
}

// areaCode is the three digits after +1; "" elsewhere.
func areaCode(phone string) string {
	if strings.HasPrefix(phone, "+1") && len(phone) >= 5 {
		return phone[2:5]
	}
	return ""
}

// holds reports whether a participant still keeps its proxy identifier from
// others with the same identifier.
func (f *Fake) holds(p *participant, now time.Time) bool {
	if p == nil || f.world.participants[p.Sid] != p || !p.Deleted.IsZero() {
		return false
	}
	f.settle(p.session, now)
	return p.session.Status != "closed"
}

// assign gives p its proxy identifier: the one that was asked for, else one
// picked from the service's numbers.
func (f *Fake) assign(c *call, s *service, p *participant) error {
	taken := func(proxy string) bool {
		return f.holds(s.holders[pairing{p.Identifier, proxy}], c.now)
	}
	if p.ProxyIdentifierSid != "" || p.ProxyIdentifier != "" {
		n, err := s.asked(p)
		if err != nil {
			return err
		}
		if taken(n.PhoneNumber) {
			return refuse(400, 80604, "Proxy identifier already in use with requested identifier.")
		}
		p.ProxyIdentifier, p.ProxyIdentifierSid = n.PhoneNumber, n.Sid
		return nil
	}
	n, err := s.pick(p.Identifier, taken)
	if err == nil {
		p.ProxyIdentifier, p.ProxyIdentifierSid = n.PhoneNumber, n.Sid
	}
	return err
}

// asked finds the number that a participant was created with.
func (s *service) asked(p *participant) (*number, error) {
	for _, n := range s.Numbers {
		if (p.ProxyIdentifierSid == "" || n.Sid == p.ProxyIdentifierSid) &&
			(p.ProxyIdentifier == "" || n.PhoneNumber == p.ProxyIdentifier) {
			return n, nil
		}
	}
	return nil, refuse(400, 80605, "Proxy identifier not associated with service.")
}

// pick chooses the first number, in order of creation, that is not reserved,
// near enough and not taken. Of several, prefer-sticky takes the number that
// the identifier had last, and avoid-sticky leaves that one for the end.
func (s *service) pick(identifier string, taken func(proxy string) bool) (*number, error) {
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

// near applies the geo match level; overlay and radius count as area-code
// would, and an identifier of no known country is near to every number.
func (s *service) near(phone, identifier string) bool {
	if country(identifier) == "" {
		return true
	}
	if s.GeoMatchLevel == "country" || areaCode(identifier) == "" {
		return country(phone) == country(identifier)
	}
	return areaCode(phone) == areaCode(identifier)
}
