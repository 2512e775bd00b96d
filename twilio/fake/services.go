package fake

import "slices"

type serviceView struct {
	Sid                     string            `json:"sid"`
	UniqueName              orNull            `json:"unique_name"`
	AccountSid              string            `json:"account_sid"`
	ChatInstanceSid         orNull            `json:"chat_instance_sid"`
	CallbackUrl             orNull            `json:"callback_url"`
	DefaultTtl              int               `json:"default_ttl"`
	NumberSelectionBehavior string            `json:"number_selection_behavior"`
	GeoMatchLevel           string            `json:"geo_match_level"`
	InterceptCallbackUrl    orNull            `json:"intercept_callback_url"`
	OutOfSessionCallbackUrl orNull            `json:"out_of_session_callback_url"`
	DateCreated             stamp             `json:"date_created"`
	DateUpdated             stamp             `json:"date_updated"`
	Url                     string            `json:"url"`
	Links                   map[string]string `json:"links"`
}

func (f *Fake) viewService(s *service, base string) serviceView {
	url := s.url(base)
	return serviceView{
		Sid: s.Sid, UniqueName: orNull(s.UniqueName), AccountSid: f.account().Username,
		ChatInstanceSid: orNull(s.ChatInstanceSid), CallbackUrl: orNull(s.CallbackUrl), DefaultTtl: s.DefaultTtl,
		NumberSelectionBehavior: s.NumberSelectionBehavior, GeoMatchLevel: s.GeoMatchLevel,
		InterceptCallbackUrl:    orNull(s.InterceptCallbackUrl),
		OutOfSessionCallbackUrl: orNull(s.OutOfSessionCallbackUrl),
		DateCreated:             stamp(s.Created), DateUpdated: stamp(s.Updated), Url: url,
		Links: map[string]string{"sessions": url + "/Sessions", "phone_numbers": url + "/PhoneNumbers"},
	}
}

// service finds the service that the path names. In FetchService, the path may
// also have the unique name, because the API does not restrict that element.
func (f *Fake) service(c *call) (*service, error) {
	sid, parent := c.path["ServiceSid"]
	if !parent {
		sid = c.path["Sid"]
	}
	if s := f.world.bySid[sid]; s != nil {
		return s, nil
	}
	if s := f.world.names[sid]; s != nil && c.op.id == "FetchService" {
		return s, nil
	}
	if !wellFormed("KS", sid) && c.op.id != "FetchService" {
		return nil, refuse(400, 80408, "Invalid Service Sid")
	}
	return nil, notFound("/Services/" + sid)
}

// serviceOf returns the SID of the service that a path leads to, or "" if there is
// no such service.
func (f *Fake) serviceOf(path map[string]string) string {
	for _, sid := range []string{path["ServiceSid"], path["Sid"]} {
		if f.world.bySid[sid] != nil {
			return sid
		}
	}
	return ""
}

func (f *Fake) listService(c *call) (any, error) {
	return listPage(c, "/v1/Services", "services", f.world.services, func(s *service) serviceView { return f.viewService(s, c.base) })
}

func (f *Fake) fetchService(c *call) (any, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	return f.viewService(s, c.base), nil
}

func (f *Fake) createService(c *call) (any, error) {
	s := &service{NumberSelectionBehavior: "prefer-sticky", GeoMatchLevel: "country"}
	s.UniqueName = c.form.required("UniqueName", 191)
	if err := f.applyService(c, s); err != nil {
		return nil, err
	}
	s.record = f.newRecord("KS", c)
	f.world.addService(s)
	f.changed()
	f.feed.publish(Event{Type: "service", Service: s.Sid})
	return f.viewService(s, c.base), nil
}

func (f *Fake) updateService(c *call) (any, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	changed := *s
	if c.form.values.Has("UniqueName") {
		changed.UniqueName = c.form.required("UniqueName", 191)
	}
	if err := f.applyService(c, &changed); err != nil {
		return nil, err
	}
	delete(f.world.names, s.UniqueName)
	*s = changed
	s.Updated = c.now
	f.world.names[s.UniqueName] = s
	f.changed()
	f.feed.publish(Event{Type: "service", Service: s.Sid})
	return f.viewService(s, c.base), nil
}

// applyService writes the given parameters into s, which is a new service or a
// copy.
func (f *Fake) applyService(c *call, s *service) error {
	if other := f.world.names[s.UniqueName]; other != nil && other.Sid != s.Sid {
		return refuse(409, 80602, "Service UniqueName must be unique.")
	}
	if ttl, given := c.form.natural("DefaultTtl"); given {
		s.DefaultTtl = ttl
	}
	if level, given := c.form.oneOf("GeoMatchLevel", "area-code", "overlay", "radius", "country"); given {
		s.GeoMatchLevel = level
	}
	if behavior, given := c.form.oneOf("NumberSelectionBehavior", "avoid-sticky", "prefer-sticky"); given {
		s.NumberSelectionBehavior = behavior
	}
	if sid, given := c.form.sid("ChatInstanceSid", "IS"); given {
		s.ChatInstanceSid = sid
	}
	for name, field := range map[string]*string{
		"CallbackUrl":             &s.CallbackUrl,
		"InterceptCallbackUrl":    &s.InterceptCallbackUrl,
		"OutOfSessionCallbackUrl": &s.OutOfSessionCallbackUrl,
	} {
		if url, given := c.form.address(name); given {
			*field = url
		}
	}
	return c.form.err
}

func (f *Fake) deleteService(c *call) (any, error) {
	s, err := f.service(c)
	if err != nil {
		return nil, err
	}
	for _, n := range s.Numbers { // first, so that no session is looked up in them
		delete(f.world.numbers, n.Sid)
	}
	for _, session := range s.Sessions {
		f.world.forgetSession(session)
	}
	f.world.services = slices.DeleteFunc(f.world.services, func(other *service) bool { return other == s })
	delete(f.world.bySid, s.Sid)
	f.limits.forgetService(s.Sid)
	delete(f.world.names, s.UniqueName)
	f.changed()
	f.feed.publish(Event{Type: "service", Service: s.Sid})
	return nil, nil
}

func (f *Fake) newRecord(prefix string, c *call) record {
	seq := f.world.next()
	return record{Sid: f.world.mint(prefix, seq), Seq: seq, Created: c.now, Updated: c.now}
}
