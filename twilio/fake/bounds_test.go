package fake_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// The bound has room for nine messages of 1,000 bytes.
var small = fake.Config{KeepBytes: 9*1512 + 100}

func numbered(n int) url.Values {
	text := fmt.Sprintf("message %d ", n)
	return body(text + strings.Repeat("x", 1000-len(text)))
}

// numbersAt returns the numbers of the messages on the pages of a list, newest first.
func (s *server) numbersAt(path string) (numbers []int) {
	for path != "" {
		bodies, meta := s.page(path)
		for _, one := range bodies {
			var n int
			_, err := fmt.Sscanf(one, `{"body":"message %d `, &n)
			require.NoError(s.t, err, one)
			numbers = append(numbers, n)
		}
		path = strings.TrimPrefix(text(meta["next_page_url"]), s.url)
	}
	return numbers
}

func TestBeyondTheBoundTheOldestMessagesGo(t *testing.T) {
	s := start(t, small)
	path := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, s.OpenState(path))
	other := s.conversation("+15550100077")
	var sids []string
	for n := range 40 {
		to := messagesPath
		if n%2 == 1 {
			to = other
		}
		sids = append(sids, text(s.ok(200, "POST", to, numbered(n)).json["sid"]))
	}
	require.Equal(t, 40, s.Accepted())
	require.EqualValues(t, 9, s.control(200, "GET", "/_fake/state", "").json["messages"])
	require.Equal(t, []int{38, 36, 34, 32}, s.numbersAt(messagesPath+"?PageSize=3"))
	require.Equal(t, []int{38, 36, 34, 32}, s.numbersAt(sessionPath+"/Interactions?PageSize=1"))
	require.Equal(t, []int{39, 37, 35, 33, 31}, s.numbersAt(other+"?PageSize=2"))
	s.refused(404, 20404, "GET", messagesPath+"/"+sids[30], nil)
	s.refused(404, 20404, "DELETE", sessionPath+"/Interactions/"+sids[30], nil)
	s.control(404, "GET", "/_fake/messages/"+sids[30], "")
	s.ok(200, "GET", messagesPath+"/"+sids[32], nil)

	// What is deleted makes room.
	s.ok(204, "DELETE", sessionPath+"/Interactions/"+sids[34], nil)
	s.ok(200, "POST", messagesPath, numbered(40))
	require.Equal(t, []int{40, 38, 36, 32}, s.numbersAt(messagesPath))
	s.ok(200, "POST", messagesPath, numbered(41))
	require.Equal(t, []int{41, 40, 38, 36, 32}, s.numbersAt(messagesPath), "number 31 went, which is of another session")
	require.Equal(t, []int{39, 37, 35, 33}, s.numbersAt(other))

	// A message larger than all room is kept until the next one comes.
	s.ok(200, "POST", messagesPath, body("message 42 "+strings.Repeat("x", 100_000)))
	require.Equal(t, []int{42}, s.numbersAt(messagesPath))
	require.Empty(t, s.numbersAt(other))
	s.ok(200, "POST", other, numbered(43))
	require.Empty(t, s.numbersAt(messagesPath))
	for n := 44; n < 50; n++ {
		s.ok(200, "POST", messagesPath, numbered(n))
	}
	require.NoError(t, s.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Less(t, len(file), 20_000)

	again := start(t, fake.Config{KeepBytes: 3 * 1512})
	require.NoError(t, again.OpenState(path))
	require.Equal(t, []int{49, 48, 47}, again.numbersAt(messagesPath))
	require.Empty(t, again.numbersAt(strings.ReplaceAll(other, s.url, "")), "of a file's messages, the oldest go")
	require.Equal(t, s.Accepted(), again.Accepted())
}

// Each request is a quarter of the bound, most of it in a header.
func TestRecordedRequestsAreBoundedByBytes(t *testing.T) {
	s := start(t, fake.Config{KeepBytes: 128 << 10, KeepRequests: 6})
	for n := range 10 {
		r, err := http.NewRequest("GET", fmt.Sprint(s.url, "/v1/Services?n=", n), nil)
		require.NoError(t, err)
		r.SetBasicAuth(fake.AccountSid, "token")
		r.Header.Set("X-Long", strings.Repeat("x", 16<<10))
		_, err = s.send(r)
		require.NoError(t, err)
	}
	kept := s.Requests()
	require.Len(t, kept, 3)
	for i, one := range kept {
		require.EqualValues(t, i+8, one.Number)
		require.Equal(t, fmt.Sprint("/v1/Services?n=", i+7), one.URL)
		require.Equal(t, 200, one.Status)
	}
	s.control(200, "GET", "/_fake/requests/8", "")
	s.control(404, "GET", "/_fake/requests/7", "")
	for range 20 {
		s.ok(200, "GET", "/v1/Services", nil)
	}
	kept = s.Requests()
	require.Len(t, kept, 6, "small ones are bounded by their number")
	require.EqualValues(t, 30, kept[5].Number)
}

// While the first callback hangs, the others wait.
func TestWaitingCallbacksAreBounded(t *testing.T) {
	hang, came := make(chan struct{}), make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- r.FormValue("interactionData")
		<-hang
	}))
	t.Cleanup(hook.Close)
	s := start(t, fake.Config{KeepBytes: 16 << 10, SentFor: -1})
	s.ok(200, "POST", servicePath, url.Values{"CallbackUrl": {hook.URL}})
	s.ok(200, "POST", messagesPath, body("first"))
	require.Contains(t, <-came, "first")
	for n := range 20 {
		s.ok(200, "POST", messagesPath, body(fmt.Sprint("later ", n, "|")))
	}
	close(hang)
	for n := 17; n < 20; n++ {
		require.Contains(t, <-came, fmt.Sprint("later ", n, "|"))
	}
}

// The servers that have the fake built in keep their memory near a limit, which has to leave room for it.
func TestByDefaultTheFakeIsSmall(t *testing.T) {
	before := heap()
	f := fake.New(fake.Config{})
	defer f.Close()
	form := "Body=" + strings.Repeat("x", 60_000)
	for range 600 {
		call(f, "POST", messagesPath, form)
	}
	require.Less(t, heap(), before+30<<20, "36 MB went through, as messages and as requests")
}

func TestThereIsABoundOfRecords(t *testing.T) {
	s := start(t, fake.Config{MaxRecords: 10}) // six are there
	var sessions []string
	for range 4 {
		sessions = append(sessions, s.session(servicePath, nil))
	}
	for path, form := range map[string]url.Values{
		"/v1/Services":                {"UniqueName": {"one more"}},
		servicePath + "/Sessions":     nil,
		servicePath + "/PhoneNumbers": {"PhoneNumber": {"+15550107777"}},
		sessions[0] + "/Participants": {"Identifier": {"+15550100078"}},
	} {
		refused := s.do("POST", path, form)
		require.Equal(t, 400, refused.status)
		require.Contains(t, refused.json["message"], "at most 10 services")
	}
	s.ok(200, "POST", messagesPath, body("messages have their own bound"))
	s.ok(204, "DELETE", sessions[0], nil)
	s.session(servicePath, nil)
}

// While the clock is stopped, no change of a status is ever due. The messages that
// went must not stay in memory for it.
func TestAStoppedClockKeepsNothingThatWent(t *testing.T) {
	f := fake.New(fake.Config{KeepBytes: 1 << 20})
	defer f.Close()
	f.SetClock(time.Now())
	form := "Body=" + strings.Repeat("x", 10_000)
	load := func() uint64 {
		for range 2000 {
			call(f, "POST", messagesPath, form)
		}
		return heap()
	}
	first := load()
	require.Less(t, load(), first+2<<20, "20 MB more went through")
}
