package fake

import "time"

// A world holds all resources. The maps find records by SID; the slices are in
// order of creation. The state file keeps the exported fields of a record.
type world struct {
	salt   string
	minted uint64

	services     []*service
	names        map[string]*service // by unique name
	bySid        map[string]*service
	numbers      map[string]*number
	sessions     map[string]*session
	participants map[string]*participant
	messages     map[string]*message
	lives        map[life]*life

	oldest, newest *message // of all sessions, linked by message.newer and message.older
	messageBytes   int      // what all messages take, by message.size
	keepBytes      int      // the most that they may take
}

func (f *Fake) newWorld() *world {
	return &world{
		salt:         newSalt(),
		names:        map[string]*service{},
		bySid:        map[string]*service{},
		numbers:      map[string]*number{},
		sessions:     map[string]*session{},
		participants: map[string]*participant{},
		messages:     map[string]*message{},
		lives:        map[life]*life{},
		keepBytes:    f.config.KeepBytes,
	}
}

// A record has the fields that all resources share. A newer record has a larger
// Seq.
type record struct {
	Sid     string    `json:"sid"`
	Seq     uint64    `json:"seq,omitempty"`
	Created time.Time `json:"date_created,omitzero"`
	Updated time.Time `json:"date_updated,omitzero"`
}

func (r *record) seq() uint64 { return r.Seq }

type service struct {
	record
	UniqueName              string `json:"unique_name"`
	ChatInstanceSid         string `json:"chat_instance_sid,omitempty"`
	CallbackUrl             string `json:"callback_url,omitempty"`
	InterceptCallbackUrl    string `json:"intercept_callback_url,omitempty"`
	OutOfSessionCallbackUrl string `json:"out_of_session_callback_url,omitempty"`
	DefaultTtl              int    `json:"default_ttl,omitempty"` // seconds; 0 = sessions do not expire
	NumberSelectionBehavior string `json:"number_selection_behavior,omitempty"`
	GeoMatchLevel           string `json:"geo_match_level,omitempty"`

	Numbers  []*number  `json:"phone_numbers,omitempty"`
	Sessions []*session `json:"sessions,omitempty"`

	names   map[string]*session      // by unique name
	holders map[pairing]*participant // the last participant with each pair; it may be in a closed session by now
	sticky  map[string]string        // the last assigned proxy identifier, by identifier
}

// A pairing is a person's identifier with the proxy identifier they write to. Only
// one participant in all open sessions may have it.
type pairing struct{ identifier, proxy string }

type number struct {
	record
	PhoneNumber string `json:"phone_number"`
	IsReserved  bool   `json:"is_reserved,omitempty"`

	service *service
	users   []*participant // all who ever got this number, deleted ones included
}

type session struct {
	record
	UniqueName      string    `json:"unique_name,omitempty"`
	Status          string    `json:"status,omitempty"`
	Mode            string    `json:"mode,omitempty"`
	ClosedReason    string    `json:"closed_reason,omitempty"`
	Ttl             int       `json:"ttl,omitempty"` // seconds; 0 = unlimited
	DateExpiry      time.Time `json:"date_expiry,omitzero"`
	Started         time.Time `json:"date_started,omitzero"`
	Ended           time.Time `json:"date_ended,omitzero"`
	LastInteraction time.Time `json:"date_last_interaction,omitzero"`

	Participants []*participant `json:"participants,omitempty"`
	Messages     []*message     `json:"messages,omitempty"`

	service *service
}

type participant struct {
	record
	Identifier         string    `json:"identifier"`
	FriendlyName       string    `json:"friendly_name,omitempty"`
	ProxyIdentifier    string    `json:"proxy_identifier,omitempty"`
	ProxyIdentifierSid string    `json:"proxy_identifier_sid,omitempty"`
	Deleted            time.Time `json:"date_deleted,omitzero"`

	session *session
	created []*message // sent to this participant through the API
}

// A message never changes after its creation. Its status follows from its life
// and the clock. Updated stays zero.
type message struct {
	record
	Body      string   `json:"body"`
	MediaUrls []string `json:"media_url,omitempty"`
	Inbound   string   `json:"inbound_participant_sid,omitempty"`  // who wrote it; "" = created through the API
	Outbound  string   `json:"outbound_participant_sid,omitempty"` // who receives it; "" = nobody
	Life      *life    `json:"life,omitempty"`

	session      *session
	exchange     uint64   // the number of the recorded request; 0 = none
	older, newer *message // see world.oldest
}

// sharedLife returns one pointer for all equal lives, which saves memory.
func (w *world) sharedLife(l life) *life {
	if w.lives[l] == nil {
		w.lives[l] = &l
	}
	return w.lives[l]
}

func (w *world) addService(s *service) {
	s.names = map[string]*session{}
	s.holders = map[pairing]*participant{}
	s.sticky = map[string]string{}
	w.services = append(w.services, s)
	w.bySid[s.Sid] = s
	w.names[s.UniqueName] = s
}

func (w *world) addNumber(s *service, n *number) {
	n.service = s
	s.Numbers = append(s.Numbers, n)
	w.numbers[n.Sid] = n
}

func (w *world) addSession(s *service, c *session) {
	c.service = s
	s.Sessions = append(s.Sessions, c)
	w.sessions[c.Sid] = c
	if c.UniqueName != "" {
		s.names[c.UniqueName] = c
	}
}

func (w *world) addParticipant(c *session, p *participant) {
	p.session = c
	c.Participants = append(c.Participants, p)
	w.participants[p.Sid] = p
	if p.Deleted.IsZero() && p.ProxyIdentifier != "" {
		pair := pairing{p.Identifier, p.ProxyIdentifier}
		// In a file, a closed session may come after the open one that holds the pair now.
		if c.Status != "closed" || c.service.holders[pair] == nil {
			c.service.holders[pair] = p
		}
		if len(c.service.sticky) >= defaultMaxRecords { // it outlives the participants
			clear(c.service.sticky)
		}
		c.service.sticky[p.Identifier] = p.ProxyIdentifier
	}
	if n := w.numbers[p.ProxyIdentifierSid]; n != nil {
		n.users = append(n.users, p)
	}
}

func (w *world) addMessage(c *session, m *message) {
	m.session = c
	c.Messages = append(c.Messages, m)
	w.messages[m.Sid] = m
	if p := w.participants[m.Outbound]; p != nil && m.Inbound == "" {
		p.created = append(p.created, m)
	}
	w.link(m)
}

// addDefaults creates the resources of a new fake. The phone numbers are
// fictional.
func (w *world) addDefaults(now time.Time) {
	make := func(sid string) record { return record{Sid: sid, Seq: w.next(), Created: now, Updated: now} }
	s := &service{record: make(ServiceSid), UniqueName: "My Service",
		NumberSelectionBehavior: "prefer-sticky", GeoMatchLevel: "country"}
	w.addService(s)
	for _, n := range []struct{ sid, phone string }{
		{"PNaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "+15550109999"},
		{"PNbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "+15550108888"},
	} {
		w.addNumber(s, &number{record: make(n.sid), PhoneNumber: n.phone})
	}
	c := &session{record: make(SessionSid), UniqueName: "Order #1234", Status: "open",
		Mode: "voice-and-message", Started: now}
	w.addSession(s, c)
	for i, p := range []struct{ sid, phone, name string }{
		{ParticipantSid, "+15550100001", "Alice"},
		{OtherParticipantSid, "+15550100002", "Bob"},
	} {
		w.addParticipant(c, &participant{record: make(p.sid), Identifier: p.phone, FriendlyName: p.name,
			ProxyIdentifier: s.Numbers[i].PhoneNumber, ProxyIdentifierSid: s.Numbers[i].Sid})
	}
}
