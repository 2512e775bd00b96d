package find

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio/fake"
)

// A message passes through its statuses by the fake's clock, and nothing else in the answer is made up.
func TestAMessageIsFollowedFromQueuedToDelivered(t *testing.T) {
	upstream := stoppedFake(t, fake.Config{QueuedFor: time.Second, SentFor: 2 * time.Second})
	f := newFollower(t, upstream)
	sid := textTo(t, upstream, f.config.Client, "+15550100")
	for _, want := range []struct {
		status, updated string
		final           bool
		meaning         string
		then            time.Duration
	}{
		{"queued", "2026-01-31T12:00:00Z", false, "waits at Twilio", time.Second},
		{"sent", "2026-01-31T12:00:01Z", false, "Handed to the carrier; no proof of delivery.", 2 * time.Second},
		{"delivered", "2026-01-31T12:00:03Z", true, "confirms", 0},
	} {
		got := f.ask(t.Context(), sid, "")
		require.False(t, got.IsError, got.text())
		require.Equal(t, tools.CodeOK, got.Meta.Outcome.Code)
		require.Regexp(t, "^RQ", got.Meta.Outcome.RequestID)
		require.Contains(t, got.Structured["meaning"], want.meaning)
		delete(got.Structured, "meaning")
		require.Regexp(t, "^SM", got.Structured["outbound_resource_sid"])
		delete(got.Structured, "outbound_resource_sid")
		require.Equal(t, map[string]any{
			"sid": sid, "status": want.status, "final": want.final, "type": "message", "waited_seconds": 0.0,
			"date_created": "2026-01-31T12:00:00Z", "date_updated": want.updated,
			"inbound_participant_sid": nil, "outbound_participant_sid": fake.ParticipantSid,
		}, got.Structured, "no notice, cause or next step, and no text")
		require.NotContains(t, got.text(), "private words")
		upstream.Advance(want.then)
	}
}

// What failed has a cause and a next step that is not to send again.
func TestAFailedMessageHasACauseAndANextStep(t *testing.T) {
	for identifier, status := range map[string]string{"+15550030003": "undelivered", "+15550030001": "failed"} {
		upstream := stoppedFake(t, fake.Config{SentFor: -1})
		f := newFollower(t, upstream)
		got := f.ask(t.Context(), textTo(t, upstream, f.config.Client, identifier), `,"WaitSeconds":40`)
		require.Equal(t, status, got.Structured["status"])
		require.Equal(t, true, got.Structured["final"])
		require.Contains(t, got.Structured["cause"], "Mostly")
		require.Contains(t, got.Structured["next"], "outbound_resource_sid")
		require.Contains(t, got.Structured["next"], "Do not repeat or rephrase")
		require.NotContains(t, got.Structured, "notice")
		require.NotContains(t, got.text(), identifier)
	}
}

// Every documented status is in the table, and one more; each has one sentence, and six are final.
func TestEveryStatusHasAMeaning(t *testing.T) {
	var documented struct {
		Properties map[string]struct{ Enum []*string }
	}
	receipt, err := schema.Output[schema.MessageInteraction]()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(receipt.JSON(), &documented))
	want := map[string]bool{"read": true}
	for _, name := range documented.Properties["outbound_resource_status"].Enum {
		if name != nil {
			want[*name] = true
		}
	}
	require.Len(t, want, 22)
	final := map[string]bool{"delivered": true, "undelivered": true, "failed": true, "canceled": true, "read": true, "deleted": true}
	sentences := map[string]bool{}
	for name := range want {
		known, is := statuses[name]
		require.True(t, is, name)
		require.Regexp(t, `^[A-Z][^.]*\.$`, known.meaning)
		require.False(t, sentences[known.meaning], "two with one meaning: %s", name)
		sentences[known.meaning] = true

		f := newFollower(t, answering(fmt.Sprintf(`{"sid":%q,"type":"message","outbound_resource_status":%q,"inbound_resource_status":"delivered"}`, anInteraction, name)))
		got := f.ask(t.Context(), anInteraction, "")
		require.Equal(t, name, got.Structured["status"])
		require.Equal(t, final[name], got.Structured["final"], name)
		require.Equal(t, known.meaning, got.Structured["meaning"])
		bad := name == "undelivered" || name == "failed" || name == "canceled"
		require.Equal(t, bad, got.Structured["cause"] != nil, name)
		require.Equal(t, bad || name == "deleted", got.Structured["next"] != nil, name)
	}
	require.Len(t, statuses, len(want), "and no other")
}

// What Twilio may answer with, and what a model is told of it. Nothing that is not one of the six final statuses is final.
func TestOddAnswersAreNotTakenForADelivery(t *testing.T) {
	for name, tc := range map[string]struct {
		fields  string
		status  any
		final   bool
		meaning string
	}{
		"a new status":                  {`,"outbound_resource_status":"teleported"`, "teleported", false, meaningUnknown},
		"in another case":               {`,"outbound_resource_status":"Delivered"`, "Delivered", false, meaningUnknown},
		"with a space":                  {`,"outbound_resource_status":"delivered "`, "delivered ", false, meaningUnknown},
		"hostile":                       {`,"outbound_resource_status":"a\u202e` + strings.Repeat("x", 1000) + `"`, "a\uFFFD" + strings.Repeat("x", 62), false, meaningUnknown},
		"no text":                       {`,"outbound_resource_status":{"delivered":true}`, nil, false, meaningNone},
		"null":                          {`,"outbound_resource_status":null`, nil, false, meaningNone},
		"nothing":                       {``, nil, false, meaningNone},
		"incoming":                      {`,"inbound_resource_status":"received","inbound_participant_sid":"` + fake.OtherParticipantSid + `"`, "received", false, meaningInbound},
		"incoming, delivered":           {`,"inbound_resource_status":"delivered"`, "delivered", true, meaningInbound},
		"incoming, failed":              {`,"inbound_resource_status":"failed"`, "failed", true, meaningInbound},
		"incoming, new":                 {`,"inbound_resource_status":"teleported"`, "teleported", false, meaningUnknown},
		"passed on without a status":    {`,"inbound_resource_status":"delivered","outbound_resource_sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`, nil, false, meaningNone},
		"passed on to somebody":         {`,"inbound_resource_status":"delivered","outbound_participant_sid":"` + fake.ParticipantSid + `"`, nil, false, meaningNone},
		"passed on, and cannot be read": {`,"inbound_resource_status":"delivered","outbound_resource_status":5`, nil, false, meaningNone},
		"a call":                        {`,"type":"voice","outbound_resource_status":"failed"`, "failed", true, statuses["failed"].meaning},
		"a new type":                    {`,"type":"carrier pigeon","outbound_resource_status":"sent"`, "sent", false, statuses["sent"].meaning},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollower(t, answering(fmt.Sprintf(`{"sid":%q%s}`, anInteraction, tc.fields)))
			got := f.ask(t.Context(), anInteraction, "")
			require.False(t, got.IsError, got.text())
			require.Equal(t, tc.status, got.Structured["status"])
			require.Equal(t, tc.final, got.Structured["final"])
			require.Equal(t, tc.meaning, got.Structured["meaning"])
			require.NotContains(t, got.Structured, "cause")
			if name == "a new type" {
				require.Equal(t, "carrier pigeon", got.Structured["type"])
			}
		})
	}
}

// Twilio's description lets every field be null. Only one without a sid is not known to be about this message.
func TestAllFieldsButTheSidMayBeNull(t *testing.T) {
	var all map[string]any
	require.NoError(t, json.Unmarshal(mustJSON(t, schema.MessageInteraction{}), &all))
	all["sid"] = anInteraction
	got := newFollower(t, answering(string(mustJSON(t, all)))).ask(t.Context(), anInteraction, "")
	require.False(t, got.IsError, got.text())
	require.Equal(t, map[string]any{
		"sid": anInteraction, "status": nil, "final": false, "meaning": meaningNone, "type": nil, "waited_seconds": 0.0,
		"date_created": nil, "date_updated": nil, "outbound_resource_sid": nil,
		"inbound_participant_sid": nil, "outbound_participant_sid": nil,
	}, got.Structured)
}
