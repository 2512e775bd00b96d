package find

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
)

// failed says to the model why nothing could be read. Reading changes nothing, so no sentence speaks of sending.
func failed(ctx context.Context, err error) error {
	refused, isAnswer := errors.AsType[*twilio.Error](err)
	unreached, isUnreached := errors.AsType[*twilio.NotSentError](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return tryLater("The call was cancelled.")
	case errors.Is(err, twilio.ErrNoTurn):
		return tryLater("Within the rate limit (--rate-limit) there was no turn to ask Twilio in time.")
	case isUnreached:
		return tryLater("Twilio could not be reached: " + unreached.Err.Error() + ".")
	case !isAnswer:
		return tryLater("Twilio did not answer in time, or its answer could not be read.")
	}
	o := tools.Outcome{Code: tools.CodeRefused, HTTPStatus: refused.Status, TwilioCode: refused.Code, RequestID: refused.RequestID}
	switch {
	case refused.Status == http.StatusTooManyRequests:
		o.Code, o.RetryAfterSeconds = tools.CodeTryLater, int64(math.Ceil(refused.RetryAfter.Seconds()))
		return &tools.Failure{Outcome: o, Happened: refused.Answered() + ": it takes no more requests for now." + refused.Quoted(), Next: tools.NextLater}
	case refused.Status >= 500 || refused.Status == http.StatusRequestTimeout || refused.Status < 300:
		o.Code = tools.CodeTryLater
		return &tools.Failure{Outcome: o, Happened: refused.Answered() + "." + refused.Quoted(), Next: tools.NextLater}
	case refused.Status < 400:
		return &tools.Failure{Outcome: o, Happened: fmt.Sprintf("The answer was a redirect (HTTP status %d), which is never followed: it would carry the credentials along.", refused.Status),
			Next: "Tell the user to check the address (TWILIO_PROXY_BASE_URL) and what is between this server and Twilio."}
	default:
		return &tools.Failure{Outcome: o, Happened: refused.Answered() + "." + refused.Quoted(), Next: adviceForReading(refused)}
	}
}

// adviceForReading leaves out advice that is for somebody who sends.
func adviceForReading(refused *twilio.Error) string {
	if advice := refused.Advice(); !speaksOfSending.MatchString(advice) {
		return advice
	}
	return "The same call would be refused again: tell the user."
}

var speaksOfSending = regexp.MustCompile(`\b(send|sent)\b`)

func tryLater(happened string) error {
	return &tools.Failure{Outcome: tools.Outcome{Code: tools.CodeTryLater}, Happened: happened, Next: tools.NextLater}
}

// isGone reports whether Twilio itself says that what a SID names is not there. Somebody on the way may answer 404, too, and
// knows nothing of it.
func isGone(err error) bool {
	refused, isAnswer := errors.AsType[*twilio.Error](err)
	return isAnswer && refused.FromTwilio && (refused.Status == http.StatusNotFound || refused.Code == notTogether) || errors.Is(err, twilio.ErrAnother)
}

// notTogether is Twilio's code for SIDs of which one does not belong to the other.
const notTogether = 80610

// failedIn is failed for what was read of a Service: if Twilio does not find it, the Service is what is not there.
func failedIn(ctx context.Context, err error, service schema.ServiceSid) error {
	failure, _ := errors.AsType[*tools.Failure](failed(ctx, err))
	if isGone(err) {
		failure.Happened = fmt.Sprintf("There is no Service %s in this account. %s", service, failure.Happened)
		failure.Next = "Check the SID of the Service with the user, and --service with it; do not guess another. Without Service and --service, the account's only one is used."
	}
	return failure
}

// noSuchName reports whether a request that named a resource by its unique name came to nothing, so that the list may still
// have it. That a name is taken in the place of a SID is not documented: any refusal may mean that it is not, except one of
// the credentials or of the rate.
func noSuchName(err error) bool {
	refused, isAnswer := errors.AsType[*twilio.Error](err)
	if !isAnswer {
		return errors.Is(err, twilio.ErrAnother) || errors.Is(err, twilio.ErrNoPath)
	}
	switch refused.Status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	default:
		return refused.Status >= 400 && refused.Status < 500
	}
}
