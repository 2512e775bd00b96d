package find

import (
	"fmt"
	"net/http"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// seeded has a Service named shop with Sessions of these records.
func seeded(t testing.TB, maxPageSize int, sessions ...string) *fake.Fake {
	f := newFake(t, fake.Config{MaxPageSize: maxPageSize})
	require.NoError(t, f.Seed(fmt.Appendf(nil, `{"services":[{"sid":%q,"unique_name":"shop","phone_numbers":[{"phone_number":"+15550109999"}],"sessions":[%s]}]}`,
		fake.ServiceSid, strings.Join(sessions, ","))))
	return f
}

func names(rows []SessionRow) (names []string) {
	for _, row := range rows {
		names = append(names, *row.UniqueName)
	}
	return names
}

// The newest come first, in whatever order and on however many pages Twilio lists them.
func TestSessionsAreListedNewestFirst(t *testing.T) {
	f := seeded(t, 2,
		`{"unique_name":"second","date_created":"2030-01-02T00:00:00Z","status":"closed","mode":"message-only"}`,
		`{"unique_name":"fifth","date_created":"2030-01-05T00:00:00Z"}`,
		`{"unique_name":"first","date_created":"2030-01-01T00:00:00Z","status":"in-progress","date_last_interaction":"2030-01-01T10:00:00Z","date_expiry":"2099-01-01T00:00:00Z"}`,
		`{"unique_name":"fourth","date_created":"2030-01-04T00:00:00Z","status":"closed"}`,
		`{"unique_name":"third","date_created":"2030-01-03T00:00:00Z"}`)
	r := newBench(t, f)
	var list SessionList
	require.Empty(t, r.call("list_sessions", `{"Service":"shop"}`).read(t, &list))
	require.Equal(t, []string{"fifth", "fourth", "third", "second", "first"}, names(list.Sessions))
	require.Equal(t, fake.ServiceSid, list.ServiceSid.String())
	require.Equal(t, 5, list.Matched)
	require.True(t, list.Complete)
	require.Equal(t, "newest first", list.Order)
	first := list.Sessions[4]
	require.Equal(t, "KC", first.SessionSid.String()[:2])
	require.Equal(t, []string{"in-progress", "voice-and-message", "2030-01-01T00:00:00Z", "2030-01-01T10:00:00Z", "2099-01-01T00:00:00Z"},
		[]string{*first.Status, *first.Mode, *first.DateCreated, *first.DateLastInteraction, *first.DateExpiry})
	require.Nil(t, list.Sessions[0].DateLastInteraction)

	notice := r.call("list_sessions", fmt.Sprintf(`{"Service":%q,"Limit":2}`, fake.ServiceSid)).read(t, &list)
	require.Equal(t, "2 of 5 that fit are shown. A larger Limit, up to 100, shows more.", notice)
	require.Equal(t, []string{"fifth", "fourth"}, names(list.Sessions))
	require.Equal(t, 5, list.Matched)

	for status, want := range map[string][]string{"closed": {"fourth", "second"}, "open": {"fifth", "third"}, "failed": nil} {
		require.Empty(t, r.call("list_sessions", fmt.Sprintf(`{"Service":"shop","Status":%q,"Limit":null}`, status)).read(t, &list))
		require.Equal(t, want, names(list.Sessions), status)
		require.NotNil(t, list.Sessions)
		require.Equal(t, len(want), list.Matched)
	}
	require.True(t, r.call("list_sessions", `{"Service":"shop","Status":"odd"}`).IsError)
}

// Of what nobody documents, nothing is lost and nothing fails.
func TestSessionsOfAnyShape(t *testing.T) {
	nulls := fmt.Sprintf(`{"sid":%q,"service_sid":null,"unique_name":null,"status":null,"mode":null,"date_created":null,"date_last_interaction":null,"date_expiry":null}`, sid("KC", 1))
	novel := fmt.Sprintf(`{"sid":%q,"unique_name":"a\u202eb\nc %s","status":"on hold","mode":"telepathy","date_created":"2030-01-01T01:00:00+02:00","date_expiry":"soon"}`, sid("KC", 2), strings.Repeat("x", 300))
	wrong := fmt.Sprintf(`{"sid":%q,"unique_name":5,"status":["open"],"mode":{},"date_created":1}`, sid("KC", 3))
	foreign := fmt.Sprintf(`{"sid":%q,"service_sid":%q,"unique_name":"private words"}`, sid("KC", 4), sid("KS", 9))
	r := newBench(t, paged("sessions", strings.Join([]string{nulls, wrong, novel, foreign, `{"unique_name":"private words"}`}, ",")))
	var list SessionList
	got := r.call("list_sessions", fmt.Sprintf(`{"Service":%q}`, fake.ServiceSid))
	require.Equal(t, "2 of those that fit have no date_created that can be read, and count as the oldest.", got.read(t, &list))
	require.Equal(t, 3, list.Matched)
	require.Equal(t, sid("KC", 2), list.Sessions[0].SessionSid.String())
	require.Equal(t, "on hold", *list.Sessions[0].Status)
	require.Equal(t, "a�b�c "+strings.Repeat("x", maxName-6), *list.Sessions[0].UniqueName)
	for i, n := range []int{1, 3} {
		one := sid("KC", n)
		require.Equal(t, one, list.Sessions[1+i].SessionSid.String())
		require.Nil(t, list.Sessions[1+i].Status)
		require.Nil(t, list.Sessions[1+i].DateCreated)
	}
	require.NotContains(t, got.raw, "private")
	require.NotContains(t, r.log.String(), "telepathy")

	got = r.call("list_sessions", fmt.Sprintf(`{"Service":%q,"Status":"open"}`, fake.ServiceSid))
	require.Empty(t, got.read(t, &list))
	require.Empty(t, list.Sessions)
}

// No status and no date is as long as a name may be, and nothing from outside takes more than its bound.
func TestEveryFieldOfASessionIsBounded(t *testing.T) {
	hostile := `"a\u202eb\n` + strings.Repeat("😀", 999) + `"`
	var fields []string
	for _, field := range []string{"unique_name", "status", "mode", "date_created", "date_last_interaction", "date_expiry"} {
		fields = append(fields, fmt.Sprintf("%q:%s", field, hostile))
	}
	record := fmt.Sprintf(`{"sid":%q,%s}`, fake.SessionSid, strings.Join(fields, ","))
	person := fmt.Sprintf(`{"sid":%q,"friendly_name":%s,"identifier":%[2]s}`, sid("KP", 1), hostile)
	of := map[string]http.Handler{"Services": paged("services", fmt.Sprintf(`{"sid":%q,"unique_name":%s}`, fake.ServiceSid, hostile), fmt.Sprintf(`{"sid":%q}`, sid("KS", 2))),
		"Sessions": paged("sessions", record), "Participants": paged("participants", person)}
	r := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := of[path.Base(r.URL.Path)]; h != nil {
			h.ServeHTTP(w, r)
		} else {
			fmt.Fprint(w, record)
		}
	}))
	asName, asWord := "a�b�"+strings.Repeat("😀", maxName-4), "a�b�"+strings.Repeat("😀", maxWord-4)
	var list SessionList
	r.call("list_sessions", fmt.Sprintf(`{"Service":%q}`, fake.ServiceSid)).read(t, &list)
	require.Equal(t, SessionRow{list.Sessions[0].SessionSid, &asName, &asWord, &asWord, &asWord, &asWord, &asWord}, list.Sessions[0])
	var found Found
	r.call("find_participant", fmt.Sprintf(`{"Service":%q,"Session":%q}`, fake.ServiceSid, fake.SessionSid)).read(t, &found)
	one := found.Candidates[0]
	require.Equal(t, []string{asName, asName, asWord, asWord, asWord}, []string{*one.UniqueName, *one.FriendlyName, *one.Status, *one.Mode, *one.DateLastInteraction})
	require.Contains(t, r.call("list_sessions", `{}`).Content[0].Text, fmt.Sprintf("\n- %s %q\n- %s\n", fake.ServiceSid, asWord, sid("KS", 2)))
}

func TestTwentySessionsAreShownUnlessMoreAreAskedFor(t *testing.T) {
	var records []string
	for n := range 101 {
		records = append(records, fmt.Sprintf(`{"sid":%q,"date_created":"2030-01-01T00:00:00Z"}`, sid("KC", n)))
	}
	r := newBench(t, paged("sessions", strings.Join(records, ",")))
	for limit, want := range map[string]int{"": 20, `,"Limit":null`: 20, `,"Limit":100`: 100} {
		var list SessionList
		notice := r.call("list_sessions", fmt.Sprintf(`{"Service":%q%s}`, fake.ServiceSid, limit)).read(t, &list)
		require.Len(t, list.Sessions, want)
		require.Equal(t, want < 100, strings.Contains(notice, "A larger Limit"), notice)
	}
}

func TestAServiceWithoutAListIsNone(t *testing.T) {
	r := newBench(t, newFake(t, fake.Config{}))
	require.Contains(t, r.call("list_sessions", fmt.Sprintf(`{"Service":%q}`, sid("KS", 9))).Content[0].Text, "There is no Service "+sid("KS", 9)+" in this account.")
}

// Pages move while they are read: what is new pushes the rest on to the next page.
func TestASessionThatIsListedTwiceCountsOnce(t *testing.T) {
	row := func(n int) string {
		return fmt.Sprintf(`{"sid":%q,"unique_name":"n%d","date_created":"2030-01-0%dT00:00:00Z"}`, sid("KC", n), n, n)
	}
	upper := strings.Replace(row(0xab), sid("KC", 0xab), "KC"+strings.Repeat("AB", 16), 1)
	r := newBench(t, paged("sessions", row(3)+","+row(2), row(2)+","+row(0xab), upper+","+row(1), ""))
	var list SessionList
	r.call("list_sessions", fmt.Sprintf(`{"Service":%q}`, fake.ServiceSid)).read(t, &list)
	require.Equal(t, []string{"n3", "n2", "n1", "n171"}, names(list.Sessions))
	require.Equal(t, 4, list.Matched)
}

func TestAListThatWasNotReadWhole(t *testing.T) {
	row := func(n int) string {
		return fmt.Sprintf(`{"sid":%q,"unique_name":"n%d","date_created":"2030-01-0%dT00:00:00Z"}`, sid("KC", n), n, n)
	}
	pages := paged("sessions", row(1)+","+strings.Replace(row(3), "2030-", "in ", 1), row(2))
	for name, tc := range map[string]struct {
		upstream http.Handler
		why      string
	}{
		"elsewhere": {linkedTo(t, stranger(t), pages), "The link to the next page leads to another address, and was not followed."},
		"broken": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("Page") != "" {
				http.Error(w, `{"message":"private words","status":500}`, 500)
				return
			}
			pages.ServeHTTP(w, r)
		}), "Twilio did not give the next page."},
	} {
		t.Run(name, func(t *testing.T) {
			var list SessionList
			r := newBench(t, tc.upstream)
			got := r.call("list_sessions", fmt.Sprintf(`{"Service":%q,"Limit":1}`, fake.ServiceSid))
			require.Equal(t, "Not all Sessions were read. "+tc.why+" So there may be more, and newer ones. To find one of them by its name, use find_participant. "+
				"1 of 2 that fit are shown. A larger Limit, up to 100, shows more.", got.read(t, &list))
			require.False(t, list.Complete)
			require.Equal(t, "as Twilio lists them", list.Order)
			require.Equal(t, []string{"n1"}, names(list.Sessions))
			require.Equal(t, 2, list.Matched)
			require.NotContains(t, got.raw, "private")
		})
	}
}

// endless has more pages than are read. reached is called with the number of each.
func endless(key string, record func(n int) string, reached func(page int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("Page"), &page)
		reached(page)
		records := make([]string, pageSize)
		for i := range records {
			records[i] = record(page*pageSize + i)
		}
		fmt.Fprintf(w, `{%q:[%s],"meta":{"next_page_url":"http://%s%s?Page=%d"}}`, key, strings.Join(records, ","), r.Host, r.URL.Path, page+1)
	})
}

// However long a list is, little of it is kept: the rows that are shown, and 16 bytes for each SID.
func TestAListThatDoesNotEnd(t *testing.T) {
	var used [2]uint64
	r := newBench(t, endless("sessions", func(n int) string {
		return fmt.Sprintf(`{"sid":"KC%032x","unique_name":%q,"date_created":"2030-01-01T00:00:00Z"}`, n, strings.Repeat("x", 300))
	}, func(page int) {
		if at := slices.Index([]int{20, maxPages - 1}, page); at >= 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			used[at] = m.HeapAlloc
		}
	}))
	got := r.call("list_sessions", fmt.Sprintf(`{"Service":%q,"Limit":100}`, fake.ServiceSid))
	var list SessionList
	require.Contains(t, got.read(t, &list), "There is more than one call reads (150 pages).")
	require.Equal(t, maxPages*pageSize, list.Matched)
	require.Len(t, list.Sessions, 100)
	require.False(t, list.Complete)
	require.Equal(t, "KC"+strings.Repeat("0", 32), list.Sessions[0].SessionSid.String())
	require.Less(t, used[1], used[0]+2<<20, "all rows would take 5 MB more")
}
