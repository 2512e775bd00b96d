package find

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
)

// pauses are the times between two looks; the last is that between all later ones. Our choice: a text is mostly delivered
// within seconds, and Twilio's limit is 30 looks a second for one Service.
var pauses = []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second}

// A waiting is for a status that is final.
type waiting struct {
	begun  time.Time
	until  time.Time // when the last look begins
	latest time.Time // when it ends
	cut    bool      // until is earlier than was asked for
}

// maxWaits is how many calls may wait at once. Together they look 20 times a second, of the 30 that Twilio allows for one
// Service. Without a bound, calls that wait would take every place among the calls in flight, and nobody could send.
const maxWaits = 100

// beginWaiting keeps a part of the call's time for the last look, and as much for the answer.
func beginWaiting(ctx context.Context, long time.Duration) waiting {
	now := time.Now()
	w := waiting{begun: now, until: now.Add(long), latest: now.Add(long + time.Minute)}
	if deadline, ok := ctx.Deadline(); ok {
		kept := min(deadline.Sub(now)/10, time.Second)
		w.latest = deadline.Add(-kept)
		if last := w.latest.Add(-kept); last.Before(w.until) {
			w.until, w.cut = last, true
		}
	}
	return w
}

// await looks again and again until the status is final, the time is up, or another look is in vain. It returns the newest
// that is known. Why that is not final, or not new, is noted.
func (w waiting) await(ctx context.Context, call *tools.Call, known Followed, look func(context.Context) (Followed, error)) Followed {
	var missed error // of the newest look
	for n := 0; !known.Final && w.until.After(time.Now()) && !inVain(missed) && ctx.Err() == nil; n++ {
		call.Progress(ctx, time.Since(w.begun).Seconds(), w.until.Sub(w.begun).Seconds(), "Waiting for a final status; now: "+word(known))
		pause(ctx, min(pauses[min(n, len(pauses)-1)], time.Until(w.until)))
		var newest Followed
		if newest, missed = look(ctx); missed == nil {
			known = newest
		}
	}
	switch waited := w.until.Sub(w.begun); {
	case known.Final:
	case ctx.Err() != nil:
		call.Note("The wait was cut short, because the call was cancelled or this server stops.")
	case missed != nil:
		call.Note("The status is of an earlier look, because the newest one failed: " + whyMissed(missed))
	case w.cut:
		call.Note(fmt.Sprintf("The status was not final after %.1f seconds, and one call may wait no longer (--deadline). %s", waited.Seconds(), noteNotFinal))
	default:
		call.Note("The status was not final when the wait ended. " + noteNotFinal)
	}
	return known
}

const noteNotFinal = "It may become so later, or never: some carriers report nothing more."

// word is a status that is fit for our own words.
func word(f Followed) string {
	if f.Status == nil {
		return "none"
	}
	if _, known := statuses[*f.Status]; known {
		return *f.Status
	}
	return "one that this server does not know"
}

// pause ends early when ctx does.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// inVain is a refusal that the next look would get, too. Of a 429 the client has made all tries that there was time for.
func inVain(err error) bool {
	refused, isAnswer := errors.AsType[*twilio.Error](err)
	return isAnswer && refused.Status >= 300 && refused.Status < 500 && refused.Status != http.StatusRequestTimeout
}

func whyMissed(err error) string {
	refused, isAnswer := errors.AsType[*twilio.Error](err)
	switch {
	case isAnswer && refused.Status == http.StatusNotFound && refused.FromTwilio:
		return "the Interaction is not there any more, so it may have been deleted."
	case isAnswer:
		return refused.Answered() + "."
	case errors.Is(err, twilio.ErrNoTurn):
		return "within the rate limit (--rate-limit) there was no turn for it in time."
	case errors.Is(err, twilio.ErrAnother):
		return "nothing in the answer showed that it was about this Interaction."
	default:
		return "Twilio could not be asked in time, or its answer could not be read."
	}
}
