package tools

import (
	"context"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"

	"twilio-proxy-mcp/schema"
)

const sendName = "send_message_interaction"

// sendDescription is written for a model: who gets what from whom, and that
// it cannot be taken back.
const sendDescription = `Send one text message to one participant of a masked conversation (a Twilio Proxy Session). ` +
	`The message goes to the Participant named by ParticipantSid and appears to come from that Participant's proxy number; the other participant does not get it. ` +
	`Body or MediaUrl is required; MediaUrl is reserved and not supported today, so give Body. ` +
	`A real person is texted and sending cannot be undone: call once per message, never to check something. ` +
	`If a result says the outcome is unknown, do not send again. ` +
	`A repeat of the same message within a short time is answered with the first receipt and is not sent again.`

func sendMessageInteraction(t *Tools) (*tool, error) {
	input, err := schema.Input()
	if err != nil {
		return nil, err
	}
	output, err := schema.Output()
	if err != nil {
		return nil, err
	}
	// mcp.NewTool with a raw schema fails when it is marshalled.
	definition := mcp.NewToolWithRawSchema(sendName, sendDescription, input.JSON())
	definition.Title = "Send a message to a Proxy participant"
	definition.RawOutputSchema = output.JSON()
	definition.Annotations = mcp.ToolAnnotation{
		Title:           definition.Title,
		ReadOnlyHint:    new(false),
		DestructiveHint: new(true),
		IdempotentHint:  new(false),
		OpenWorldHint:   new(true),
	}
	return &tool{definition: definition, input: input, run: t.sendMessageInteraction, tools: t}, nil
}

// sendMessageInteraction is the function behind the tool.
func (t *Tools) sendMessageInteraction(ctx context.Context, request schema.CreateMessageInteraction, meta Meta, line *Line) result {
	line.add(
		slog.String("service_sid", request.ServiceSid.String()),
		slog.String("session_sid", request.SessionSid.String()),
		slog.String("participant_sid", request.ParticipantSid.String()))
	if n := utf8.RuneCountInString(request.Body); t.MaxBodyLength > 0 && n > t.MaxBodyLength {
		return invalidArguments(schema.Problems{fmt.Sprintf("Body: has %d characters, at most %d are allowed by this server (--max-body-length)", n, t.MaxBodyLength)})
	}
	return (&send{tools: t, request: request, meta: meta, line: line}).run(ctx)
}
