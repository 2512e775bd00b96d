package fake

import (
	"fmt"
	"slices"
)

type numberView struct {
	Sid          string       `json:"sid"`
	AccountSid   string       `json:"account_sid"`
	ServiceSid   string       `json:"service_sid"`
	DateCreated  stamp        `json:"date_created"`
	DateUpdated  stamp        `json:"date_updated"`
	PhoneNumber  string       `json:"phone_number"`
	FriendlyName string       `json:"friendly_name"`
	IsoCountry   orNull       `json:"iso_country"`
	Capabilities capabilities `json:"capabilities"`
	Url          string       `json:"url"`
	IsReserved   bool         `json:"is_reserved"`
	InUse        int          `json:"in_use"`
}

type capabilities struct {
	Fax   bool `json:"fax"`
	Mms   bool `json:"mms"`
	Sms   bool `json:"sms"`
	Voice bool `json:"voice"`
}

func (f *Fake) viewNumber(n *number, c *call) numberView {
	return numberView{
		Sid: n.Sid, AccountSid: f.account().Username, ServiceSid: n.service.Sid,
		DateCreated: stamp(n.Created), DateUpdated: stamp(n.Updated),
		PhoneNumber: n.PhoneNumber, FriendlyName: n.PhoneNumber, IsoCountry: orNull(country(n.PhoneNumber)),
		Capabilities: capabilities{Mms: true, Sms: true, Voice: true},
		Url:          n.url(c.base), IsReserved: n.IsReserved, InUse: f.inUse(n, c),
	}
}

// inUse counts the open sessions that use this number.
func (f *Fake) inUse(n *number, c *call) int {
	open := map[*session]bool{}
	for _, p := range n.users {
		if f.holds(p, c.now) {
			open[p.session] = true
		}
	}
	return len(open)
}

func (f *Fake) number(c *call) (*number, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	sid := c.path["Sid"]
	if !wellFormed("PN", sid) {
		return nil, refuse(400, 80407, "Invalid Phone Number Sid")
	}
	n := f.world.numbers[sid]
	if n == nil || n.service != s {
		return nil, notFound("/Services/" + s.Sid + "/PhoneNumbers/" + sid)
	}
	return n, nil
}

func (f *Fake) listPhoneNumber(c *call) (any, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	return listPage(c, "/v1/Services/"+s.Sid+"/PhoneNumbers", "phone_numbers", s.Numbers,
		func(n *number) numberView { return f.viewNumber(n, c) })
}

func (f *Fake) fetchPhoneNumber(c *call) (any, error) {
	n, err := f.number(c)
	if err != nil {
		return nil, err
	}
	return f.viewNumber(n, c), nil
}

func (f *Fake) createPhoneNumber(c *call) (any, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	n := &number{}
	sid, _ := c.form.sid("Sid", "PN")
	n.PhoneNumber, _ = c.form.text("PhoneNumber", 255)
	n.IsReserved, _ = c.form.boolean("IsReserved")
	if sid == "" && n.PhoneNumber == "" {
		c.form.fail("PhoneNumber", "Either Sid or PhoneNumber is required.")
	}
	if n.PhoneNumber != "" && !e164(n.PhoneNumber) {
		c.form.fail("PhoneNumber", "It must be an E.164 number: + and up to 15 digits.")
	}
	if c.form.err != nil {
		return nil, c.form.err
	}
	if err := f.numberIsFree(s, sid, n.PhoneNumber); err != nil {
		return nil, err
	}
	n.record = f.newRecord("PN", c)
	if sid != "" {
		n.Sid = sid
	}
	if n.PhoneNumber == "" {
		n.PhoneNumber = fmt.Sprintf("+1555%07d", 2000000+n.Seq%1000000)
	}
	f.world.addNumber(s, n)
	f.changed()
	return f.viewNumber(n, c), nil
}

// numberIsFree returns an error if a service already has this number.
func (f *Fake) numberIsFree(s *service, sid, phone string) error {
	taken := f.world.numbers[sid]
	for _, other := range f.world.services {
		for _, n := range other.Numbers {
			if taken == nil && phone != "" && n.PhoneNumber == phone {
				taken = n
			}
		}
	}
	switch {
	case taken == nil:
		return nil
	case taken.service == s:
		return refuse(400, 80104, "PhoneNumber has already been added to Service")
	default:
		return refuse(400, 80101, "Phone Number has already been added to another Service.")
	}
}

func (f *Fake) updatePhoneNumber(c *call) (any, error) {
	n, err := f.number(c)
	if err != nil {
		return nil, err
	}
	reserved, given := c.form.boolean("IsReserved")
	if c.form.err != nil {
		return nil, c.form.err
	}
	if given {
		n.IsReserved = reserved
	}
	n.Updated = c.now
	f.changed()
	return f.viewNumber(n, c), nil
}

func (f *Fake) deletePhoneNumber(c *call) (any, error) {
	n, err := f.number(c)
	if err != nil {
		return nil, err
	}
	if f.inUse(n, c) > 0 {
		return nil, refuse(400, 80611, "The number is in use by one or more Sessions.")
	}
	n.service.Numbers = slices.DeleteFunc(n.service.Numbers, func(other *number) bool { return other == n })
	delete(f.world.numbers, n.Sid)
	f.changed()
	return nil, nil
}
