package fake

import (
	"container/heap"
	"time"
)

// A schedule knows which message changes its status next. Statuses themselves
// follow from the clock; the schedule is there to announce them, with one
// timer however many messages are under way.
type schedule struct {
	due   dueHeap
	timer *time.Timer
}

type dueMessage struct {
	at      time.Time
	message *message
}

// follow expects the next status of a message, if there is one.
func (f *Fake) follow(m *message, now time.Time) {
	if m.Outbound == "" {
		return
	}
	if _, _, due := m.Life.at(m.Created, now); !due.IsZero() {
		heap.Push(&f.schedule.due, dueMessage{due, m})
		f.wakeUp()
	}
}

// followAll expects anew what is ahead of all messages.
func (f *Fake) followAll() {
	f.schedule.due = nil
	now := f.clock.now()
	for _, m := range f.world.messages {
		f.follow(m, now)
	}
}

// tick announces, with the lock held, every status that was reached by now.
func (f *Fake) tick() {
	now := f.clock.now()
	for len(f.schedule.due) > 0 && !f.schedule.due[0].at.After(now) {
		next := heap.Pop(&f.schedule.due).(dueMessage)
		m := next.message
		if f.world.messages[m.Sid] != m {
			continue // deleted meanwhile
		}
		status, _, _ := m.Life.at(m.Created, next.at)
		f.feed.publish(Event{Type: "status", Service: m.session.service.Sid, Session: m.session.Sid,
			Message: m.Sid, Status: status, Code: m.Life.code(status)})
		f.callback(m, next.at)
		f.follow(m, next.at)
	}
	f.wakeUp()
}

// wakeUp sets the timer for the first change that is due. While the clock
// stands there is none.
func (f *Fake) wakeUp() {
	s := &f.schedule
	if len(s.due) == 0 || !f.clock.frozen.IsZero() {
		s.stop()
		return
	}
	wait := s.due[0].at.Sub(f.clock.now())
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			select {
			case <-f.closed:
			default:
				f.tick()
			}
		})
		return
	}
	s.timer.Reset(wait)
}

func (s *schedule) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

type dueHeap []dueMessage

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueMessage)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = dueMessage{}
	*h = old[:len(old)-1]
	if len(*h) == 0 {
		*h = nil // a burst does not keep its memory
	}
	return last
}
