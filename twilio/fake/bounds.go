package fake

import (
	"container/heap"
	"net/http"
	"slices"
	"strings"
)

// Memory is bounded. Messages, recorded requests and callbacks that wait are
// bounded by bytes, and the oldest of a kind go. The other records are bounded by
// their number, and no more are made. The package comment gives the figures.

const (
	defaultKeepBytes  = 16 << 20
	defaultMaxRecords = 100_000
	messageBytes      = 512  // what a message takes besides its texts; measured, and rounded up
	requestBytes      = 2048 // the same for a recorded request and its answer
	callbackBytes     = 2048 // the same for a callback that waits
)

// size is about what a message takes, in bytes.
func (m *message) size() int {
	size := messageBytes + len(m.Body)
	for _, url := range m.MediaUrls {
		size += len(url) + 16
	}
	return size
}

// link puts the newest message at the end of the chain of all messages.
func (w *world) link(m *message) {
	m.older, m.newer = w.newest, nil
	if w.newest == nil {
		w.oldest = m
	} else {
		w.newest.newer = m
	}
	w.newest = m
	w.messageBytes += m.size()
}

// unlink takes a message out of the chain and the map.
func (w *world) unlink(m *message) {
	if m.older == nil {
		w.oldest = m.newer
	} else {
		m.older.newer = m.newer
	}
	if m.newer == nil {
		w.newest = m.older
	} else {
		m.newer.older = m.older
	}
	m.older, m.newer = nil, nil
	delete(w.messages, m.Sid)
	w.messageBytes -= m.size()
	m.Body, m.MediaUrls = "", nil // the schedule lets go of m later
}

// dropOldest removes the oldest messages until the rest is within the bound. The
// newest message stays. The oldest of all is the first of its session and of what
// was created for its participant, so no list is searched.
func (w *world) dropOldest() {
	for w.messageBytes > w.keepBytes && w.oldest != w.newest {
		m := w.oldest
		w.unlink(m)
		m.session.Messages = withoutFirst(m.session.Messages)
		if p := w.participants[m.Outbound]; p != nil && m.Inbound == "" {
			p.created = withoutFirst(p.created)
		}
	}
}

func withoutFirst(messages []*message) []*message {
	messages[0] = nil // lets go of it although the array stays
	return messages[1:]
}

// relink makes the chain anew, from messages in any order.
func (w *world) relink() {
	w.oldest, w.newest, w.messageBytes = nil, nil, 0
	all := make([]*message, 0, len(w.messages))
	for _, m := range w.messages {
		all = append(all, m)
	}
	slices.SortFunc(all, bySeq)
	for _, m := range all {
		w.link(m)
	}
	w.dropOldest()
}

// prune forgets the due changes of messages that are gone, when they are most of
// the heap. While the clock is stopped, nothing else removes them.
func (f *Fake) prune() {
	due := &f.schedule.due
	if len(*due) < 2*len(f.world.messages)+64 {
		return
	}
	*due = slices.DeleteFunc(*due, func(d dueMessage) bool { return f.world.messages[d.message.Sid] != d.message })
	heap.Init(due)
}

// checkRoom refuses a call that would make one more record than there may be.
func (f *Fake) checkRoom(op *operation) error {
	records := len(f.world.bySid) + len(f.world.numbers) + len(f.world.sessions) + len(f.world.participants)
	if !strings.HasPrefix(op.id, "Create") || op.id == "CreateMessageInteraction" || records < f.config.MaxRecords {
		return nil
	}
	return refuse(http.StatusBadRequest, 0, "This fake keeps at most %d services, phone numbers, sessions and participants. "+
		"Delete some, or reset it.", f.config.MaxRecords)
}

// forgetPairings removes what the numbers and the service remember of a
// participant that is gone.
func (w *world) forgetPairings(p *participant) {
	holders, pair := p.session.service.holders, pairing{p.Identifier, p.ProxyIdentifier}
	if holders[pair] == p {
		delete(holders, pair)
	}
	if n := w.numbers[p.ProxyIdentifierSid]; n != nil {
		n.users = slices.DeleteFunc(n.users, func(other *participant) bool { return other == p })
	}
}
