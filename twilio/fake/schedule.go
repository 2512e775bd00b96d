package fake

import (
	"container/heap"
	"time"
)

// A schedule knows which message changes its status next. The statuses themselves
// follow from the clock. The schedule only announces them, with one timer for all
// messages.
type schedule struct {
	due   dueHeap
	timer *time.Timer
}

type dueMessage struct {
	at      time.Time
	message *message
}

// scheduleNext schedules the next change of a message's status, if there is one.
func (f *Fake) scheduleNext(m *message, now time.Time) {
	if m.Outbound == "" {
		return
	}
	if _, _, due := m.Life.at(m.Created, now); !due.IsZero() {
		heap.Push(&f.schedule.due, dueMessage{due, m})
		f.setTimer()
	}
}

// rescheduleAll schedules the next change of every message, and nothing else.
func (f *Fake) rescheduleAll() {
	f.schedule.due = nil
	now := f.clock.now()
	for _, m := range f.world.messages {
		f.scheduleNext(m, now)
	}
}

// announceDue announces every status that was reached by now. The caller holds the
// lock.
func (f *Fake) announceDue() {
	now := f.clock.now()
	for len(f.schedule.due) > 0 && !f.schedule.due[0].at.After(now) {
		next := heap.Pop(&f.schedule.due).(dueMessage)
		m := next.message
		if f.world.messages[m.Sid] != m {
			continue // it was deleted
		}
		status, _, _ := m.Life.at(m.Created, next.at)
		f.feed.publish(Event{Type: "status", Service: m.session.service.Sid, Session: m.session.Sid,
			Message: m.Sid, Status: status, Code: m.Life.code(status)})
		f.callback(m, next.at)
		f.scheduleNext(m, next.at)
	}
	f.setTimer()
}

// setTimer sets the timer for the next change. While the clock is stopped, there
// is no timer.
func (f *Fake) setTimer() {
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
				f.announceDue()
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
		*h = nil // release the memory after a burst
	}
	return last
}
