package fake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestRateLimit(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	s := start(t, fake.Config{RateLimit: true})
	s.SetClock(noon)
	for range 150 {
		s.ok(200, "POST", messagesPath, body("x"))
	}
	s.refused(429, 20429, "POST", messagesPath, body("x"))
	require.Equal(t, 150, s.Accepted(), "a 429 is not processed")
	s.ok(200, "GET", sessionPath, nil)
	s.SetClock(noon.Add(5*time.Second - 1))
	s.refused(429, 20429, "POST", messagesPath, body("x"))
	s.SetClock(noon.Add(5 * time.Second))
	s.ok(200, "POST", messagesPath, body("x"))
	s.control(200, "PUT", "/_fake/settings", `{"rate_limit":false}`)
	for range 200 {
		s.ok(200, "POST", messagesPath, body("x"))
	}
}
