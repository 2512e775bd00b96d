package find

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
)

// The bounds of one call's reading are our choice. 150 pages are what the rate limit lets through at once, and up to 15,000
// records. 25 seconds leave time to answer within the minute that hosts give a call.
const (
	maxPages   = 150
	maxReading = 25 * time.Second
	pageSize   = 100 // the most that Twilio documents for a page
)

// A search is the reading of one call.
type search struct {
	*Finder
	call  *tools.Call
	pages int       // how many pages of lists were read
	left  int       // how many more may be
	cut   string    // why the reading ended early, as a sentence; "" when it did not
	now   time.Time // Twilio's clock, by the newest answer; the local clock's until then
}

// begin bounds the reading of one call. A part of the call's time is kept for the answer.
func (f *Finder) begin(ctx context.Context, call *tools.Call) (*search, context.Context, context.CancelFunc) {
	reading, cancel := within(ctx, maxReading)
	return &search{Finder: f, call: call, left: maxPages, now: time.Now()}, reading, cancel
}

// within ends after most, or earlier so that a fifth of ctx's time is left for what follows.
func within(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(deadline)*4/5)
	}
	return context.WithTimeout(ctx, most)
}

// answered notes Twilio's time. The head is nil without an answer.
func (s *search) answered(head *twilio.Head) {
	if head != nil && !head.Date.IsZero() {
		s.now = head.Date
	}
}

// paging is for the pages that are left.
func (s *search) paging() twilio.Paging {
	return twilio.Paging{PageSize: pageSize, MaxPages: max(s.left, 1)}
}

// eachOf visits the records of a list until visit returns false. A list that cannot be read to its end sets cut, unless
// nothing of it was read: that is the error.
func eachOf[T any](ctx context.Context, s *search, pages iter.Seq2[*twilio.Page[T], error], visit func(*T) (more bool)) error {
	if s.left <= 0 {
		s.cut = cutPages
		return nil
	}
	first, more := true, false
	for page, err := range pages {
		switch {
		case err != nil && first:
			return err
		case err != nil:
			s.cut = cutBecause(ctx, err)
			return nil
		}
		first, more = false, page.More
		s.pages++
		s.left--
		s.call.Progress(ctx, float64(s.pages), 0, fmt.Sprintf("Pages read: %d", s.pages))
		s.answered(&page.Head)
		for i := range page.Items {
			if !visit(&page.Items[i]) {
				return nil
			}
		}
	}
	if more {
		s.cut = cutPages
	}
	return nil
}

const cutPages = "There is more than one call reads (150 pages)."

func cutBecause(ctx context.Context, err error) string {
	switch {
	case errors.Is(err, twilio.ErrElsewhere):
		return "The link to the next page leads to another address, and was not followed."
	case errors.Is(err, twilio.ErrNoTurn), ctx.Err() != nil:
		return "There was no time to read more."
	default:
		return "Twilio did not give the next page."
	}
}
