package find

import (
	"context"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
)

// GetInteraction asks what became of a message.
type GetInteraction struct {
	ServiceSid     schema.ServiceSid     `json:"ServiceSid" jsonschema_description:"As in send_message_interaction."`
	SessionSid     schema.SessionSid     `json:"SessionSid" jsonschema_description:"As in send_message_interaction."`
	InteractionSid schema.InteractionSid `json:"InteractionSid" jsonschema_description:"The sid (KI...) that send_message_interaction returned."`
	WaitSeconds    int                   `json:"WaitSeconds,omitempty" jsonschema_description:"How long to wait for a final status, 0 to 40. Default 0."`
}

// Followed is the answer.
type Followed struct {
	Status *string `json:"status"`
	Final  bool    `json:"final"`
}

// GetInteraction is the tool that tells what became of a message.
func (f *Finder) GetInteraction() tools.Definition[GetInteraction, Followed] {
	return tools.Definition[GetInteraction, Followed]{
		Name:        "get_interaction",
		Title:       "Follow a Proxy message",
		Description: "What became of a message.",
		Effect:      tools.Reads,
		Run:         f.getInteraction,
	}
}

func (f *Finder) getInteraction(ctx context.Context, call *tools.Call, in GetInteraction) (Followed, error) {
	return Followed{}, nil
}
