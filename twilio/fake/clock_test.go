package fake_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// If the clock is set back, messages reach their statuses again, and each status
// is announced again.
func TestClockSetBack(t *testing.T) {
	s := start(t, fake.Config{RateLimit: true})
	next := s.events()
	s.SetClock(noon)
	sid := text(s.ok(200, "POST", messagesPath, body("x")).json["sid"])
	status := func() string {
		return text(s.ok(200, "GET", messagesPath+"/"+sid, nil).json["outbound_resource_status"])
	}
	s.Advance(2 * time.Second)
	require.Equal(t, "delivered", next("status")["status"])
	require.Equal(t, "delivered", status())

	s.SetClock(noon.Add(time.Second))
	require.Equal(t, "sent", status())
	s.SetClock(noon.Add(-time.Hour))
	require.Equal(t, "sent", status(), "the status at creation")
	s.Advance(time.Hour + 2*time.Second)
	require.Equal(t, "delivered", next("status")["status"])

	for range 150 {
		s.ok(200, "GET", sessionPath, nil)
	}
	s.refused(429, 20429, "GET", sessionPath, nil)
	s.Advance(-time.Hour)
	s.ok(200, "GET", sessionPath, nil)
}

func TestClockHasBounds(t *testing.T) {
	s := start(t, fake.Config{})
	s.SetClock(noon)
	for _, bad := range []string{
		`{"now":"9999-12-31T23:59:59Z"}`, `{"now":"2200-01-01T00:00:01Z"}`, `{"now":"1899-12-31T23:59:59Z"}`,
		`{"now":"0001-01-01T00:00:00Z"}`, `{"now":"0000-01-01T00:00:00Z","advance":"-1h"}`,
		`{"advance":"2000000h"}`, `{"advance":"-2000000h"}`, `{"advance":1e300}`, `{"advance":-1e300}`, `{"advance":9223372037}`,
		`{"now":"2199-12-31T23:59:59Z","advance":"1m"}`,
	} {
		require.NotEmpty(t, s.control(400, "PUT", "/_fake/clock", bad).json["error"], bad)
		require.Equal(t, noon, s.Now(), bad)
	}
	for _, end := range []string{"2200-01-01T00:00:00Z", "1900-01-01T00:00:00Z"} {
		require.Equal(t, end, s.control(200, "PUT", "/_fake/clock", `{"now":"`+end+`"}`).json["now"])
		s.ok(200, "GET", sessionPath, nil)
		s.RunClock()
		require.Equal(t, end[:4], s.Now().Format("2006"), "the clock runs on from there")
	}
	s.Advance(1<<63 - 1)
	s.Advance(1<<63 - 1)
	require.Equal(t, 2200, s.Now().Year())
	s.control(400, "PUT", "/_fake/settings", `{"sent_for":1e300}`)
}

func TestResetStartsTheClock(t *testing.T) {
	s := start(t, fake.Config{})
	s.SetClock(noon.AddDate(100, 0, 0))
	require.NoError(t, s.Reset())
	require.WithinDuration(t, time.Now(), s.Now(), time.Hour)
	require.Equal(t, false, s.control(200, "GET", "/_fake/clock", "").json["frozen"])
}

// The clock is part of the state. Messages continue with the status that they had
// before the restart.
func TestClockSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	s := start(t, fake.Config{})
	require.NoError(t, s.OpenState(path))
	s.SetClock(noon)
	sid := s.ok(200, "POST", messagesPath, body("under way")).json["sid"]
	s.Advance(time.Second)
	require.NoError(t, s.Close())

	s = start(t, fake.Config{})
	require.NoError(t, s.OpenState(path))
	require.Equal(t, noon.Add(time.Second), s.Now())
	next := s.events()
	s.Advance(time.Second)
	reached := next("status")
	require.Equal(t, "delivered", reached["status"])
	require.Equal(t, sid, reached["message_sid"])
	s.RunClock()
	require.NoError(t, s.Close())

	s = start(t, fake.Config{})
	require.NoError(t, s.OpenState(path))
	require.WithinDuration(t, noon, s.Now(), time.Hour)
	require.Equal(t, false, s.control(200, "GET", "/_fake/clock", "").json["frozen"])
}
