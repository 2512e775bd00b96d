package send

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/tools/ledger"
	"twilio-proxy-mcp/twilio"
)

// Every error text of the tool is in this file, so that no second wording can contradict the outcome.

func failure(o tools.Outcome, happened, next string) *tools.Failure {
	return &tools.Failure{Outcome: o, Happened: happened, Next: next}
}

// notRecorded: a send that cannot be recorded is not made.
func notRecorded(err error) *tools.Failure {
	if errors.Is(err, ledger.ErrInProgress) {
		return failure(tools.Outcome{Code: tools.CodeOutcomeUnknown, Sent: tools.SentUnknown},
			"The same message is being sent by another call, which did not end in time.", "Call again with the same arguments to learn how it ended; that does not send it twice.")
	}
	if errors.Is(err, ledger.ErrTooLate) {
		return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo},
			"This call had to wait so long that no time was left to send the message.", tools.NextLater)
	}
	why, next := "could not be used", "Tell the user, who can repair it: this server's log says more."
	if unavailable, ok := errors.AsType[*ledger.UnavailableError](err); ok {
		why = cmp.Or(map[ledger.Reason]string{
			ledger.Full: "is full", ledger.ReadOnly: "cannot be written",
			ledger.Locked:  "is in use by other processes of this server or by another program",
			ledger.Corrupt: "is damaged", ledger.Gone: "cannot be reached", ledger.TooNew: "was made by a newer version of this program",
		}[unavailable.Reason], why)
		switch unavailable.Reason {
		case ledger.Locked:
			next = tools.NextLater
		case ledger.Corrupt:
			next = "Tell the user: this server's log says what is missing. A person can " + unavailable.WayOut + "."
		}
	}
	return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo},
		"The ledger, in which every send is recorded before it is made, "+why+"; whether an earlier call sent this message cannot be looked up either.", next)
}

func claimLost() *tools.Failure {
	return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo},
		"This server was held up so long that its right to send this message had been taken back.", "The same call may be made again; it is answered with what is known by then.")
}

func conflict(entry ledger.Entry) *tools.Failure {
	const happened, next = "This idempotency key was used before for a message with other content", "Use a new key for a new message"
	o := tools.Outcome{Code: tools.CodeConflict, Sent: tools.SentNo, LedgerID: entry.ID.String()}
	switch entry.State {
	case ledger.Sent:
		return failure(o, happened+".", next+", or repeat the first message unchanged to get its receipt.")
	case ledger.Refused, ledger.NotSent:
		return failure(o, happened+", which was not sent either.", next+".")
	default:
		return failure(o, happened+".", next+", or repeat the first message unchanged to learn how it ended.")
	}
}

func overLimit(d ledger.Decision) *tools.Failure {
	o := tools.Outcome{Code: tools.CodeNotAllowed, Sent: tools.SentNo, RetryAfterSeconds: seconds(d.RetryAfter)}
	which := "This server's limit of messages a minute (--max-sends) is reached."
	if d.PerParticipant {
		which = "This server's limit of messages a minute to one participant (--max-sends-per-participant) is reached."
	}
	return failure(o, which, waitSentence(o.RetryAfterSeconds)+" Several messages in a row to one person are rarely wanted: ask the user.")
}

func noTurnFailure(err error) *tools.Failure {
	if errors.Is(err, context.Canceled) {
		return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo}, "The call was cancelled while it waited for its turn.", tools.NextLater)
	}
	return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo, RetryAfterSeconds: 5},
		"Too many messages to this Service are waiting for their turn within the rate limit (--rate-limit), so this call was not begun.", waitSentence(5))
}

// stillUnknown answers a repeat of a message whose first call has no known end.
func stillUnknown(entry ledger.Entry) *tools.Failure {
	return failure(tools.Outcome{Code: tools.CodeOutcomeUnknown, Sent: tools.SentUnknown, LedgerID: entry.ID.String()},
		fmt.Sprintf("This message was attempted at %s, and nobody knows how that ended; Twilio's list of the session's interactions does not settle it. It was not attempted again.", entry.Begun.UTC().Format(time.RFC3339)),
		"Do not rephrase it to send it anyway: tell the user, who can look at the conversation.")
}

// resolvedBy says how a person settles what nobody knows.
func (d *delivery) resolvedBy(id ledger.ID) string {
	if d.Ledger.Memory {
		return "The record of this message is in this server's memory, and ends with the server."
	}
	return fmt.Sprintf("A person who has found out can record it: \"twilio-proxy-mcp history resolve %s sent\", or \"... not_sent\".", id)
}

// fromClient turns what the client says about an exchange into a result. It
// has no branch that says "nothing was sent" of a request that was attempted
// and not answered, or answered with a 5xx or a 408.
func fromClient(err error) *tools.Failure {
	var (
		unknown *twilio.OutcomeUnknownError
		notSent *twilio.NotSentError
		refused *twilio.Error
	)
	switch {
	case errors.As(err, &unknown):
		o := tools.Outcome{Code: tools.CodeOutcomeUnknown, Sent: tools.SentUnknown, RequestID: unknown.RequestID}
		happened := "The request went out and no usable answer came back."
		if errors.As(unknown.Err, &refused) {
			o = withTwilio(o, refused)
			happened = refused.Answered() + "; that does not say whether Twilio sent the message." + refused.Quoted()
		}
		return failure(o, happened, tools.NextByPerson)
	case errors.Is(err, twilio.ErrNoTurn):
		return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo, RetryAfterSeconds: 5},
			"Twilio did not take the request, and within the rate limit (--rate-limit) there was no turn for another try in time.", waitSentence(5))
	case errors.As(err, &notSent) && errors.Is(err, context.Canceled):
		return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo}, "The call was cancelled before there was a connection to Twilio.", tools.NextLater)
	case errors.As(err, &notSent):
		return failure(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo}, "Twilio could not be reached: "+notSent.Err.Error()+".", tools.NextLater)
	case errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests:
		o := withTwilio(tools.Outcome{Code: tools.CodeTryLater, Sent: tools.SentNo}, refused)
		happened := "Twilio is taking no more requests for now (HTTP status 429)."
		if !refused.FromTwilio {
			happened = refused.Answered() + ", which is taking no more requests for now."
		}
		return failure(o, happened+refused.Quoted(), waitSentence(o.RetryAfterSeconds))
	case errors.As(err, &refused) && refused.Status < 400:
		o := withTwilio(tools.Outcome{Code: tools.CodeRefused, Sent: tools.SentNo}, refused)
		return failure(o, fmt.Sprintf("The answer was a redirect (HTTP status %d), which is never followed: it would carry the credentials along.", refused.Status),
			"The same call would be answered so again; tell the user to check the address (TWILIO_PROXY_BASE_URL) and what is between this server and Twilio, such as a network's login page.")
	case errors.As(err, &refused):
		o := withTwilio(tools.Outcome{Code: tools.CodeRefused, Sent: tools.SentNo}, refused)
		happened := fmt.Sprintf("Twilio refused the request (HTTP status %d).", refused.Status)
		if !refused.FromTwilio {
			happened = refused.Answered() + "."
		}
		return failure(o, happened+refused.Quoted(), refused.Advice())
	default:
		return failure(tools.Outcome{Code: tools.CodeInternal, Sent: tools.SentUnknown}, "This server met an error it does not know.", tools.NextByPerson)
	}
}

func withTwilio(o tools.Outcome, e *twilio.Error) tools.Outcome {
	o.HTTPStatus, o.TwilioCode, o.RequestID = e.Status, e.Code, e.RequestID
	o.RetryAfterSeconds = seconds(e.RetryAfter)
	return o
}

func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

func waitSentence(retryAfterSeconds int64) string {
	if retryAfterSeconds == 0 {
		return tools.NextLater
	}
	return fmt.Sprintf("The same call may be made again in %d seconds.", retryAfterSeconds)
}
