package fake_test

import (
	"net/url"
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

// Each service has its own limit. A call that belongs to no service gets Proxy's
// own code.
func TestRateLimitByService(t *testing.T) {
	s := start(t, fake.Config{RateLimit: true})
	s.SetClock(noon)
	other := "/v1/Services/" + text(s.ok(201, "POST", "/v1/Services", url.Values{"UniqueName": {"other"}}).json["sid"])
	for range 150 {
		s.ok(200, "GET", servicePath+"/Sessions", nil)
		s.ok(200, "GET", "/v1/Services", nil)
	}
	s.refused(429, 20429, "GET", servicePath+"/Sessions", nil)
	s.refused(429, 80621, "GET", "/v1/Services", nil)
	s.ok(200, "GET", other+"/Sessions", nil)
}
