package fake_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestStateSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	first := start(t, fake.Config{})
	require.NoError(t, first.OpenState(path))
	for range 5 { // these use up sequence numbers and leave no record
		gone := text(first.ok(200, "POST", messagesPath, body("gone")).json["sid"])
		first.ok(204, "DELETE", sessionPath+"/Interactions/"+gone, nil)
	}
	first.ok(200, "POST", messagesPath, url.Values{"Body": {"<kept>"}, "MediaUrl": {"https://example.com/a"}})
	failing := first.conversation("+15550030003")
	first.ok(200, "POST", failing, body("lost"))
	_, err := first.Answer(t.Context(), fake.OtherParticipantSid, "answered")
	require.NoError(t, err)
	first.ok(200, "DELETE", participantPath, nil)
	first.Advance(time.Minute)
	want := first.everything()
	require.NoError(t, first.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "only the owner may read it, because it contains message bodies")

	second := start(t, fake.Config{})
	require.NoError(t, second.OpenState(path))
	second.Advance(time.Minute)
	require.Equal(t, want, second.everything())
	require.Equal(t, first.Accepted(), second.Accepted())
	for range 5 {
		second.ok(200, "POST", failing, body("more"))
	}
	require.Len(t, second.everything(), len(want)+5, "a new message must not get an old SID")
	require.NoError(t, second.Close()) // after this, it writes nothing
	left, err := filepath.Glob(path + ".*")
	require.NoError(t, err)
	require.Empty(t, left, "no temporary file is left")
	requireAlone(t, path)
}

// requireAlone checks that the folder has only the state file and its lock file.
func requireAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, entry := range entries {
		require.Contains(t, []string{"state.json", ".state.json.lock"}, entry.Name())
	}
}

// Two fakes with the same file would overwrite each other's state.
func TestStateFileHasOneOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	first, second := start(t, fake.Config{}), start(t, fake.Config{})
	require.NoError(t, first.OpenState(path))
	require.ErrorIs(t, second.OpenState(path), fake.ErrInUse)
	first.ok(200, "POST", messagesPath, body("x"))
	require.NoError(t, first.Close())
	require.NoError(t, second.OpenState(path))
	require.Equal(t, 1, second.Accepted())
}

// A process that was killed during a write leaves a temporary file. The next start
// removes it.
func TestHalfWrittenFileIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".state.json.new"), []byte(`{"serv`), 0o600))
	s := start(t, fake.Config{})
	require.NoError(t, s.OpenState(path))
	requireAlone(t, path)
}

// Resources that were created after the last write are lost if the process is
// killed or seeded again. Their SIDs must not be used for other resources.
func TestSidsAreNeverGivenTwice(t *testing.T) {
	path, copied := filepath.Join(t.TempDir(), "state.json"), filepath.Join(t.TempDir(), "killed.json")
	given := map[string]bool{}
	once := func(s *server) string {
		made := s.ok(200, "POST", messagesPath, body("x"))
		for _, sid := range []string{text(made.json["sid"]), made.header.Get("Twilio-Request-Id")} {
			require.False(t, given[sid], sid)
			given[sid] = true
		}
		return text(made.json["sid"])
	}
	first := start(t, fake.Config{})
	kept := once(first)
	require.NoError(t, first.OpenState(path))
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, left, 0o600))
	once(first) // it is not in the copy, as if the process had been killed before the write

	second := start(t, fake.Config{})
	require.NoError(t, second.OpenState(copied))
	once(second)
	second.ok(200, "GET", sessionPath+"/Interactions/"+kept, nil)
	require.NoError(t, second.Seed(left))
	once(second)
	require.NoError(t, second.Reset())
	once(second)
	second.ok(200, "GET", messagesPath+"/"+kept, nil)
}

// everything returns all services, sessions, participants and interactions as the
// API shows them, by URL path.
func (s *server) everything() map[string]any {
	all := map[string]any{}
	var read func(path, key string, below ...string)
	read = func(path, key string, below ...string) {
		for _, item := range s.ok(200, "GET", path, nil).json[key].([]any) {
			record := item.(map[string]any)
			own := path + "/" + text(record["sid"])
			delete(record, "url")
			delete(record, "links")
			all[own] = record
			if key == "services" {
				read(own+"/PhoneNumbers", "phone_numbers")
				read(own+"/Sessions", "sessions")
			}
			if key == "sessions" {
				read(own+"/Participants", "participants")
				read(own+"/Interactions", "interactions")
			}
		}
	}
	read("/v1/Services", "services")
	return all
}

func TestStateIsWrittenSoon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	s := start(t, fake.Config{})
	require.NoError(t, s.OpenState(path))
	s.ok(200, "POST", messagesPath, body("written without a Close"))
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, json.Valid(data), "the file must be complete at all times")
		return string(data) != "" && containsText(data, "written without a Close")
	}, time.Minute, 10*time.Millisecond)
}

func containsText(data []byte, s string) bool {
	var doc struct {
		Services []struct {
			Sessions []struct{ Messages []struct{ Body string } }
		}
	}
	return json.Unmarshal(data, &doc) == nil && len(doc.Services[0].Sessions[0].Messages) == 1 && doc.Services[0].Sessions[0].Messages[0].Body == s
}

func TestInvalidStateFile(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON": "{", "unknown field": `{"servises":[]}`, "bad SID": `{"services":[{"sid":"KS1","unique_name":"a"}]}`,
		"salt": `{"salt":"xyz","services":[]}`, "null": `{"services":[null]}`,
		"twice":  `{"services":[{"unique_name":"a"},{"unique_name":"a"}]}`,
		"status": `{"services":[{"unique_name":"a","sessions":[{"status":"ajar"}]}]}`,
		"nobody": `{"services":[{"unique_name":"a","sessions":[{"messages":[{"body":"x"}]}]}]}`,
		"a crowd": `{"services":[{"unique_name":"a","phone_numbers":[{"phone_number":"+15550109999"}],"sessions":[{"participants":[
			{"identifier":"+15550100001"},{"identifier":"+15550100002"},{"identifier":"+15550100003"}]}]}]}`,
		"no number left": `{"services":[{"unique_name":"a","sessions":[{"participants":[{"identifier":"+15550100001"}]}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			s := start(t, fake.Config{})
			require.Error(t, s.OpenState(path))
			s.ok(200, "GET", sessionPath, nil) // nothing has changed
			require.NoError(t, s.Close())
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, content, string(kept))
			s.control(400, "POST", "/_fake/seed", content)
		})
	}
}

func TestSeedOutOfOrder(t *testing.T) {
	s := start(t, fake.Config{})
	s.control(204, "POST", "/_fake/seed", `{"minted":9,"services":[
		{"seq":7,"unique_name":"later"},{"seq":3,"unique_name":"sooner"},{"seq":5,"unique_name":"between"}]}`)
	var names []any
	for next := "/v1/Services?PageSize=1"; next != ""; {
		got := s.ok(200, "GET", next, nil).json
		names = append(names, got["services"].([]any)[0].(map[string]any)["unique_name"])
		next = strings.TrimPrefix(text(got["meta"].(map[string]any)["next_page_url"]), s.url)
	}
	require.Equal(t, []any{"later", "between", "sooner"}, names)
}

// A pair of identifier and number belongs to one open session. The place of that
// session in the file does not matter.
func TestSeedKeepsPairsApart(t *testing.T) {
	s := start(t, fake.Config{})
	const open = `{"participants":[{"identifier":"+15550100001","proxy_identifier":"+15550109999"}]}`
	for _, ended := range []string{
		`{"status":"closed","participants":[{"identifier":"+15550100001","proxy_identifier":"+15550109999"}]}`,
		`{"date_expiry":"2001-01-01T00:00:00Z","participants":[{"identifier":"+15550100001","proxy_identifier":"+15550109999"}]}`,
	} {
		for _, sessions := range []string{open + "," + ended, ended + "," + open} {
			s.control(204, "POST", "/_fake/seed", `{"services":[{"sid":"KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","unique_name":"a",
				"phone_numbers":[{"phone_number":"+15550109999"}],"sessions":[`+sessions+`]}]}`)
			third := s.session("/v1/Services/KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", nil)
			s.refused(400, 80208, "POST", third+"/Participants", url.Values{"Identifier": {"+15550100001"}})
		}
	}
	// A deleted participant does not count towards the two that a session may have.
	s.control(204, "POST", "/_fake/seed", `{"services":[{"unique_name":"a","phone_numbers":[{"phone_number":"+15550109999"}],"sessions":[{"participants":[
		{"identifier":"+15550100001","date_deleted":"2001-01-01T00:00:00Z"},{"identifier":"+15550100002"},{"identifier":"+15550100003"}]}]}]}`)
}

func TestSeed(t *testing.T) {
	s := start(t, fake.Config{})
	s.SetClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	s.control(204, "POST", "/_fake/seed", `{"services":[{
		"sid":"KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","unique_name":"shop",
		"phone_numbers":[{"phone_number":"+15550109999"}],
		"sessions":[{"unique_name":"delivery","participants":[
			{"sid":"KPcccccccccccccccccccccccccccccccc","identifier":"+15550100001","friendly_name":"Courier"},{"identifier":"+15550100002"}],
			"messages":[{"body":"hello","outbound_participant_sid":"KPcccccccccccccccccccccccccccccccc"}]}]}]}`)
	s.refused(404, 20404, "GET", servicePath, nil)
	session := s.ok(200, "GET", "/v1/Services/KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/Sessions/delivery", nil).json
	path := "/v1/Services/KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/Sessions/" + text(session["sid"])
	require.Equal(t, "open", session["status"])
	courier := s.ok(200, "GET", path+"/Participants/KPcccccccccccccccccccccccccccccccc", nil).json
	require.Equal(t, "+15550109999", courier["proxy_identifier"])
	require.Len(t, s.ok(200, "GET", path+"/Interactions", nil).json["interactions"], 1)
	s.ok(200, "POST", path+"/Participants/KPcccccccccccccccccccccccccccccccc/MessageInteractions", body("more"))

	require.NoError(t, s.Reset())
	require.Len(t, s.ok(200, "GET", path[:len("/v1/Services/KSbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")]+"/Sessions", nil).json["sessions"], 1)
	require.Zero(t, s.Accepted())
}
