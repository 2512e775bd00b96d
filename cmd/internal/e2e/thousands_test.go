package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

const orderOfMany = `{"unique_name":"Order #1234","participants":[{"identifier":"+15550100001","friendly_name":"Dora (driver)"}]}`

// findOrder looks for the driver of the order that is the last of many, not by its exact name.
func findOrder(t testing.TB, call toolCaller) found {
	t.Helper()
	return structured[found](t, call(t, "find_participant", map[string]any{"Session": "order 1234", "Participant": "driver"}))
}

// One order is found among 5,000 Sessions on 50 pages. Several callers at once share one rate: it lets 150 pages through at
// once, and the fake refuses what is more.
func TestOneOrderIsFoundAmongFiveThousandSessions(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	require.NoError(t, u.Seed([]byte(seedOf(sessionsNamed(orderOfMany, 4_999, "Return %d")))))
	u.SetRateLimit(true)
	s := startHTTP(t, environment(t, u.env...))
	t.Run("by four at once", func(t *testing.T) {
		for range 4 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				whom := findOrder(t, s.calls(modern))
				require.Equal(t, "one", whom.Match)
				require.Equal(t, "Order #1234", whom.Candidates[0].UniqueName)
				require.True(t, whom.Searched.Complete)
				require.Equal(t, 5_000, whom.Searched.Sessions)
			})
		}
	})
	s.stop()
	requireWithinRate(t, u.Requests())
	require.Equal(t, 200, u.count("ListSession"))
}

// requireWithinRate checks that no operation of a Service had more than 150 requests in any five seconds.
func requireWithinRate(t *testing.T, requests []fake.Request) {
	t.Helper()
	times := map[string][]time.Time{}
	for _, r := range requests {
		require.NotEqual(t, http.StatusTooManyRequests, r.Status, "%s %s", r.Method, r.URL)
		times[r.Operation] = append(times[r.Operation], r.Time)
	}
	for operation, all := range times {
		for i := range len(all) - 150 {
			require.GreaterOrEqual(t, all[i+150].Sub(all[i]), 5*time.Second, "%s: the requests %d to %d", operation, i, i+150)
		}
	}
}

// Among 50,000 Sessions a call reads at most 150 pages and says that it did not read the rest, whether it found something or not.
func TestAmongFiftyThousandSessionsTheAnswerIsHonest(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	const newest = `,{"unique_name":"Order #9","participants":[{"identifier":"+15550100001","friendly_name":"Ed (driver)"}]}`
	require.NoError(t, u.Seed([]byte(seedOf(sessionsNamed(orderOfMany, 49_998, "Return %d")+newest))))
	u.SetRateLimit(true)
	p := start(t, environment(t, u.env...))
	whom := findOrder(t, p.calls(legacy))
	require.Equal(t, "none", whom.Match)
	require.InDelta(t, 14_000, whom.Searched.Sessions, 200) // ten pages are kept for Participants
	requireHonest(t, whom)
	require.LessOrEqual(t, u.count("ListSession")+u.count("ListParticipant")+u.count("ListService"), 150)
	if os.Getenv("TWILIO_PROXY_MCP_SOAK") != "" {
		whom = structured[found](t, p.calls(modern)(t, "find_participant", map[string]any{"Session": "order 9"}))
		require.Len(t, whom.Candidates, 1)
		require.Equal(t, "several", whom.Match, "another may be on a page that was not read")
		requireHonest(t, whom)
	}
	whom = structured[found](t, p.calls(modern)(t, "find_participant", map[string]any{"Session": "Order #1234", "Participant": "driver"}))
	require.Equal(t, "one", whom.Match, "by its exact name")
	p.stop()
	requireWithinRate(t, u.Requests())
}

func requireHonest(t *testing.T, whom found) {
	t.Helper()
	require.False(t, whom.Searched.Complete)
	require.Contains(t, whom.Notice, "exact")
}

// A call that reads ten times as many Sessions takes no more memory than ten calls.
func TestMemoryIsFlatHoweverManySessionsThereAre(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from /proc, which only Linux has")
	}
	t.Parallel()
	few, many := 500, 5_000
	if os.Getenv("TWILIO_PROXY_MCP_SOAK") != "" {
		many = 13_500 // no more than one call reads on top of the list of Services, with ten pages kept for Participants
	}
	plain := withoutRace(t)
	used := map[int]float64{}
	for _, count := range []int{few, many} {
		u := startUpstream(t)
		require.NoError(t, u.Seed([]byte(seedOf(sessionsNamed(orderOfMany, count-1, "Return %d")))))
		env := environment(t, append(u.env, "GOGC=25")...) // so that little of the peak is garbage
		p := startCommand(t, env, func(cmd *exec.Cmd) { cmd.Path = plain }, "stdio", "--rate-limit", "0", "--log-level", "error")
		for range many / count {
			require.Equal(t, "one", findOrder(t, p.calls(legacy)).Match)
			list := structured[struct{ Matched int }](t, p.calls(legacy)(t, "list_sessions", map[string]any{"Limit": 100}))
			require.Equal(t, count, list.Matched)
		}
		used[count] = peak(t, p.cmd.Process.Pid)
		p.stop()
	}
	t.Logf("peak memory in MB: %v", used)
	require.Less(t, used[many]-used[few], 4.0, "MB more for ten times as many Sessions: %v", used)
}

// A status that never becomes final is never called final, however long a call waits.
func TestAStatusThatNeverEndsIsNeverFinal(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	require.NoError(t, u.Seed([]byte(seedOf(`{"unique_name":"Endless","participants":[
		{"identifier":"+15550000001","friendly_name":"Quinn"},{"identifier":"+15550000002","friendly_name":"Sam"}]}`))))
	u.SetRateLimit(true)
	s := startHTTP(t, environment(t, u.env...))
	t.Run("at once", func(t *testing.T) {
		for name, status := range map[string]string{"Quinn": "queued", "Sam": "sent"} {
			t.Run(status, func(t *testing.T) {
				t.Parallel()
				call := s.calls(modern)
				to := structured[found](t, call(t, "find_participant", map[string]any{"Session": "Endless", "Participant": name})).Candidates[0]
				receipt := structured[struct{ Sid string }](t, call(t, "send_message_interaction", map[string]any{
					"ServiceSid": to.ServiceSid, "SessionSid": to.SessionSid, "ParticipantSid": to.ParticipantSid, "Body": fmt.Sprint("hello ", name)}))
				became := structured[followed](t, call(t, "get_interaction", map[string]any{
					"ServiceSid": to.ServiceSid, "SessionSid": to.SessionSid, "InteractionSid": receipt.Sid, "WaitSeconds": 2}))
				require.Equal(t, status, became.Status)
				require.False(t, became.Final)
			})
		}
	})
	s.stop()
	requireWithinRate(t, u.Requests())
}
