package find

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

// A follower is get_interaction on a bench.
type follower struct{ *bench }

func newFollower(t *testing.T, upstream http.Handler) follower {
	return follower{newBench(t, upstream)}
}

// A follow is a result whose structured content is decoded.
type follow struct {
	reading
	Structured map[string]any
}

// ask calls with the SIDs of one message and these other arguments, such as `,"WaitSeconds":1`.
func (f follower) ask(ctx context.Context, sid, more string) follow {
	f.t.Helper()
	arguments := fmt.Sprintf(`{"ServiceSid":%q,"SessionSid":%q,"InteractionSid":%q%s}`, fake.ServiceSid, fake.SessionSid, sid, more)
	a := follow{reading: f.callIn(ctx, "get_interaction", arguments)}
	if !a.IsError {
		require.NoError(f.t, json.Unmarshal(a.reading.Structured, &a.Structured))
	}
	return a
}

func mustJSON(t *testing.T, value any) []byte {
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return encoded
}

// textTo has the fake send a text to somebody with this identifier, and returns its sid.
func textTo(t *testing.T, f *fake.Fake, client *twilio.Client, identifier string) string {
	t.Helper()
	require.NoError(t, f.Seed(fmt.Appendf(nil, `{"services":[{"sid":%q,"unique_name":"s","phone_numbers":[{"phone_number":"+15550199"}],"sessions":[{"sid":%q,"participants":[{"sid":%q,"identifier":%q}]}]}]}`,
		fake.ServiceSid, fake.SessionSid, fake.ParticipantSid, identifier)))
	var request schema.CreateMessageInteraction
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"ServiceSid":%q,"SessionSid":%q,"ParticipantSid":%q,"Body":"private words"}`,
		fake.ServiceSid, fake.SessionSid, fake.ParticipantSid), &request))
	created, err := client.CreateMessageInteraction(t.Context(), request, nil)
	require.NoError(t, err)
	return created.Interaction.Sid.String()
}

func stoppedFake(t *testing.T, config fake.Config) *fake.Fake {
	f := newFake(t, config)
	f.SetClock(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	return f
}

const (
	anInteraction = "KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	another       = "KIbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// answering is an upstream that says the same of every interaction: the fields of an Interaction in JSON.
func answering(fields string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, fields)
	}
}
