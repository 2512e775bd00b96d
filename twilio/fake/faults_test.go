package fake_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		fault    fake.Fault
		accepted int
		status   int    // 0 = no readable answer
		answer   string // a part of it
	}{
		{fault: fake.Fault{Effect: fake.EffectStatus, Status: 429, Code: 20429}, status: 429, answer: `{"code":20429,"message":"Too Many Requests","more_info":"https://www.twilio.com/docs/errors/20429","status":429}`},
		{fault: fake.Fault{Effect: fake.EffectStatus, Status: 503}, status: 503, answer: `{"message":"Service Unavailable","status":503}`},
		{fault: fake.Fault{Effect: fake.EffectStatus, Status: 400, Code: 80607, Message: "closed"}, status: 400, answer: `"message":"closed"`},
		{fault: fake.Fault{Effect: fake.EffectErrorAfter}, accepted: 1, status: 500, answer: `"status":500`},
		{fault: fake.Fault{Effect: fake.EffectDelay, Delay: fake.Duration(20 * time.Millisecond)}, accepted: 1, status: 200, answer: `"type":"message"`},
		{fault: fake.Fault{Effect: fake.EffectHTML}, status: 502, answer: "<h1>Bad Gateway</h1>"},
		{fault: fake.Fault{Effect: fake.EffectHTML, Status: 200}, accepted: 1, status: 200, answer: "<h1>OK</h1>"},
		{fault: fake.Fault{Effect: fake.EffectPortal}, status: 200, answer: "<h1>Log in to this network</h1>"},
		{fault: fake.Fault{Effect: fake.EffectSwap}, accepted: 1, status: 200, answer: `"data":"{\"body\":\"another text\"}"`},
		{fault: fake.Fault{Effect: fake.EffectDropBefore}},
		{fault: fake.Fault{Effect: fake.EffectDropAfter}, accepted: 1},
		{fault: fake.Fault{Effect: fake.EffectTruncate}, accepted: 1},
	} {
		t.Run(string(test.fault.Effect), func(t *testing.T) {
			s := start(t, fake.Config{})
			test.fault.Operation = "CreateMessageInteraction"
			test.fault.Times = 2
			require.NoError(t, s.Arm(test.fault))
			s.ok(200, "GET", sessionPath, nil)
			for call := 1; call <= 2; call++ {
				got, err := s.try("POST", messagesPath, body("x"))
				if test.status == 0 {
					require.Error(t, err)
				} else {
					require.NoError(t, err)
					require.Equal(t, test.status, got.status)
					require.Contains(t, string(got.body), test.answer)
				}
				require.Equal(t, call*test.accepted, s.Accepted())
			}
			require.Empty(t, s.Faults())
			s.ok(200, "POST", messagesPath, body("x"))
			require.Len(t, s.ok(200, "GET", sessionPath+"/Interactions", nil).json["interactions"], s.Accepted())
		})
	}
}

func TestFaultOfSilence(t *testing.T) {
	for effect, accepted := range map[fake.Effect]int{fake.EffectHang: 0, fake.EffectHangAfter: 1} {
		t.Run(string(effect), func(t *testing.T) {
			s := start(t, fake.Config{})
			require.NoError(t, s.Arm(fake.Fault{Effect: effect, Times: 2}))
			ended := make(chan error)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			r, err := http.NewRequestWithContext(ctx, "POST", s.url+messagesPath, http.NoBody)
			require.NoError(t, err)
			r.SetBasicAuth("x", "y")
			go func() { _, err := s.send(r); ended <- err }()
			require.Eventually(t, func() bool { return s.Faults()[0].Times == 1 }, time.Minute, time.Millisecond)
			leave()
			require.ErrorIs(t, <-ended, context.Canceled)

			go func() { _, err := s.try("POST", messagesPath, body("x")); ended <- err }()
			require.Eventually(t, func() bool { return len(s.Faults()) == 0 }, time.Minute, time.Millisecond)
			require.NoError(t, s.Close())
			require.Error(t, <-ended)
			require.Equal(t, accepted, s.Accepted())
		})
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	s := start(t, fake.Config{})
	s.control(200, "PUT", "/_fake/faults", `{"faults":[{"operation":"FetchSession","effect":"status","status":503,"times":2,"header":{"Retry-After":"7"}}]}`)
	s.control(200, "POST", "/_fake/faults", `{"operation":"CreateMessageInteraction","effect":"delay","delay":"1ms"}`)
	require.JSONEq(t, `{"faults":[
		{"operation":"FetchSession","effect":"status","status":503,"times":2,"header":{"Retry-After":"7"}},
		{"operation":"CreateMessageInteraction","effect":"delay","status":500,"times":1,"delay":"1ms"}]}`,
		string(s.control(200, "GET", "/_fake/faults", "").body))
	require.Equal(t, "7", s.ok(503, "GET", sessionPath, nil).header.Get("Retry-After"))
	require.Equal(t, 1, s.Faults()[0].Times)
	s.control(204, "DELETE", "/_fake/faults", "")
	require.Empty(t, s.Faults())
	s.ok(200, "GET", sessionPath, nil)

	for _, bad := range []string{
		`{"operation":"SendMessage","effect":"hang"}`, `{"effect":"explode"}`, `{"effect":"status","status":99}`,
		`{"effect":"delay","delay":"long"}`, `{"effect":"hang","times":-1}`, `{"effekt":"hang"}`, `[`, ``,
	} {
		got := s.control(400, "POST", "/_fake/faults", bad)
		require.NotEmpty(t, got.json["error"], bad)
	}
	require.Empty(t, s.Faults())

	require.NoError(t, s.Arm(fake.Fault{Effect: fake.EffectHang}))
	for _, unclear := range []string{
		`{}`, `{"operation":"FetchSession"}`, `{"status":503}`, `{"faults":null}`, `{"faults":[],"effect":"hang"}`,
		`{"faults":[{"operation":"FetchSession"}]}`, `{"effect":"html"} {"effect":"hang"}`, `{"faults":[]}]`, `{"faults":[]} x`,
	} {
		for _, method := range []string{"PUT", "POST"} {
			require.NotEmpty(t, s.control(400, method, "/_fake/faults", unclear).json["error"], unclear)
		}
		require.Len(t, s.Faults(), 1, unclear)
	}
	s.control(400, "POST", "/_fake/seed", `{"services":[]} and more`)
	s.control(200, "PUT", "/_fake/faults", "{\"faults\":[]}\n")
	require.Empty(t, s.Faults())
}

func TestRecordedRequests(t *testing.T) {
	s := start(t, fake.Config{KeepRequests: 2})
	var last response
	for _, word := range []string{"one", "two", "three"} {
		last = s.ok(200, "POST", messagesPath, body(word))
	}
	kept := s.Requests()
	require.Len(t, kept, 2)
	require.EqualValues(t, 2, kept[0].Number)
	require.Equal(t, "Body=three", kept[1].Body)
	require.Equal(t, 200, kept[1].Status)
	require.Equal(t, "CreateMessageInteraction", kept[1].Operation)
	require.True(t, json.Valid([]byte(kept[1].Answer)))
	require.NotEmpty(t, kept[1].AnswerHeader)
	for name := range kept[1].AnswerHeader {
		require.Equal(t, last.header.Get(name), kept[1].AnswerHeader.Get(name), name)
	}
	require.Equal(t, "Basic [redacted]", kept[1].Header.Get("Authorization"))
	require.JSONEq(t, `{"accepted":3}`, string(s.control(200, "GET", "/_fake/accepted", "").body))
	s.control(204, "POST", "/_fake/reset", "")
	require.Zero(t, s.Accepted())
	require.Empty(t, s.Requests())
}
