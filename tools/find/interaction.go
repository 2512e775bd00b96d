package find

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"time"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio"
)

// GetInteraction asks what became of a message.
type GetInteraction struct {
	ServiceSid     schema.ServiceSid     `json:"ServiceSid" jsonschema_description:"SID (KS and 32 hexadecimal digits) of the Service."`
	SessionSid     schema.SessionSid     `json:"SessionSid" jsonschema_description:"SID (KC and 32 hexadecimal digits) of the Session."`
	InteractionSid schema.InteractionSid `json:"InteractionSid" jsonschema_description:"SID (KI and 32 hexadecimal digits) of the message: the sid in its receipt."`
	WaitSeconds    int                   `json:"WaitSeconds,omitempty" jsonschema_description:"How many seconds to wait for a final status, 0 to 40. Default 0: answer at once."`
}

// maxWait is in seconds. It leaves time to answer within the default deadline of a call, and within the minute that hosts
// give one.
const maxWait = 40

// Rules bound WaitSeconds, because not every provider takes minimum and maximum.
func (GetInteraction) Rules() []schema.Rule { return []schema.Rule{from0ToMaxWait} }

func from0ToMaxWait(object map[string]any) []string {
	if n, isNumber := object["WaitSeconds"].(float64); isNumber && (n < 0 || n > maxWait) {
		return []string{fmt.Sprintf("WaitSeconds: must be from 0 to %d", maxWait)}
	}
	return nil
}

// Followed is the answer. It has no text that a person wrote. Status and type are as Twilio has them, be they documented or not.
type Followed struct {
	Sid                    schema.InteractionSid  `json:"sid"`
	Status                 *string                `json:"status" jsonschema_description:"As Twilio has it."`
	Final                  bool                   `json:"final" jsonschema_description:"True if the status will not change any more."`
	Meaning                string                 `json:"meaning" jsonschema_description:"What the status says."`
	Cause                  string                 `json:"cause,omitempty" jsonschema_description:"What mostly leads to this failure."`
	Next                   string                 `json:"next,omitempty" jsonschema_description:"What to do about this failure."`
	Type                   *string                `json:"type"`
	DateCreated            *string                `json:"date_created"`
	DateUpdated            *string                `json:"date_updated"`
	InboundParticipantSid  *schema.ParticipantSid `json:"inbound_participant_sid" jsonschema_description:"Who wrote it. Null if a program did."`
	OutboundParticipantSid *schema.ParticipantSid `json:"outbound_participant_sid" jsonschema_description:"Whom it goes to."`
	OutboundResourceSid    *schema.ResourceSid    `json:"outbound_resource_sid" jsonschema_description:"Finds it in the log of the Twilio Console."`
	WaitedSeconds          int                    `json:"waited_seconds"`
}

// GetInteraction is the tool that tells what became of a message.
func (f *Finder) GetInteraction() tools.Definition[GetInteraction, Followed] {
	return tools.Definition[GetInteraction, Followed]{
		Name:  "get_interaction",
		Title: "Follow a Proxy message",
		Description: "Tell what became of a message (an Interaction of a Proxy Session): whether it was delivered, failed, or is on its way, and what that means. " +
			"With WaitSeconds it waits until the status is final. If final is false, delivery is neither proven nor ruled out. Reads only.",
		Effect: tools.Reads,
		Run:    f.getInteraction,
	}
}

func (f *Finder) getInteraction(ctx context.Context, call *tools.Call, in GetInteraction) (Followed, error) {
	call.Log(slog.String("interaction_sid", in.InteractionSid.String()))
	w := beginWaiting(ctx, time.Duration(in.WaitSeconds)*time.Second)
	look := func(ctx context.Context) (Followed, error) {
		looking, cancel := context.WithDeadline(ctx, w.latest)
		defer cancel()
		i, answered, err := f.Client.FetchInteraction(looking, in.ServiceSid, in.SessionSid, in.InteractionSid)
		if answered != nil {
			call.Outcome.RequestID = answered.RequestID
		}
		if err != nil {
			return Followed{}, err
		}
		return followedOf(in.InteractionSid, i), nil
	}
	followed, err := look(ctx)
	switch {
	case err != nil:
		return Followed{}, notFollowed(ctx, err)
	case followed.Final || in.WaitSeconds == 0:
	case !f.waits.TryAcquire(1):
		call.Note("This call did not wait, because too many others do. Ask again in a minute. " + noteNotFinal)
	default:
		defer f.waits.Release(1)
		waiting, cancel := context.WithCancel(ctx)
		defer cancel()
		if f.Stopping != nil {
			defer context.AfterFunc(f.Stopping(ctx), cancel)()
		}
		followed = w.await(waiting, call, followed, look)
	}
	followed.WaitedSeconds = int(math.Round(time.Since(w.begun).Seconds()))
	return followed, nil
}

// notFollowed says why nothing is known of the interaction.
func notFollowed(ctx context.Context, err error) error {
	failure, is := errors.AsType[*tools.Failure](failed(ctx, err))
	refused, isAnswer := errors.AsType[*twilio.Error](err)
	switch {
	case is && errors.Is(err, twilio.ErrAnother):
		failure.Happened = "Nothing in the answer shows that it is about the Interaction asked for, so nothing was taken from it."
	case is && isAnswer && refused.FromTwilio && refused.Status == http.StatusNotFound:
		failure.Happened = refused.Answered() + ": it has no such Interaction in this Session of this Service." + refused.Quoted()
		failure.Next = "Compare InteractionSid (KI...), SessionSid (KC...) and ServiceSid (KS...) with the receipt of the message: any of them may be wrong. The Interaction may also have been deleted. Do not guess other SIDs."
	}
	return failure
}

// followedOf is what an interaction says, without the texts in it.
func followedOf(sid schema.InteractionSid, i *twilio.Interaction) Followed {
	r := Followed{
		Sid:                    sid,
		Status:                 asItCame(i.OutboundResourceStatus, i.Misfits["outbound_resource_status"]),
		Type:                   asItCame(i.Type, i.Misfits["type"]),
		DateCreated:            asItCame(i.DateCreated, nil),
		DateUpdated:            asItCame(i.DateUpdated, nil),
		InboundParticipantSid:  i.InboundParticipantSid,
		OutboundParticipantSid: i.OutboundParticipantSid,
		OutboundResourceSid:    i.OutboundResourceSid,
	}
	incoming := !goesOut(i)
	if incoming {
		r.Status = asItCame(i.InboundResourceStatus, i.Misfits["inbound_resource_status"])
	}
	if r.Status == nil {
		r.Meaning = meaningNone
		return r
	}
	known, is := statuses[*r.Status]
	switch r.Final, r.Meaning = known.final, known.meaning; {
	case !is:
		r.Meaning = meaningUnknown
	case incoming:
		r.Meaning = meaningInbound
	case r.Type != nil && *r.Type == "voice":
		r.Next = known.next // the causes are those of texts
	default:
		r.Cause, r.Next = known.cause, known.next
	}
	return r
}

// goesOut is false if nothing in an interaction speaks of a message or call that goes out. Then a status of one that came in
// is not mistaken for the delivery of one that has no status yet.
func goesOut(i *twilio.Interaction) bool {
	for _, field := range []string{"outbound_participant_sid", "outbound_resource_sid", "outbound_resource_status"} {
		if i.Misfits[field] != nil {
			return true
		}
	}
	return i.OutboundParticipantSid != nil || i.OutboundResourceSid != nil || i.OutboundResourceStatus != nil
}

// maxWord bounds a status, a type and a date in a result, in characters. The longest that is documented has 20.
const maxWord = 64

// asItCame is a word of Twilio's: of a value that is not documented, the text that came, if it is one.
func asItCame[T ~string](read *T, misfit json.RawMessage) *string {
	var text string
	switch {
	case misfit != nil && json.Unmarshal(misfit, &text) == nil:
	case misfit != nil || read == nil:
		return nil
	default:
		text = string(*read)
	}
	shown := onOneLine(text, maxWord)
	return &shown
}
