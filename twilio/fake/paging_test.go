package fake_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// page reads one page of interactions. It returns their bodies and the page's meta.
func (s *server) page(path string) (bodies []string, meta map[string]any) {
	s.t.Helper()
	got := s.ok(200, "GET", strings.TrimPrefix(path, s.url), nil).json
	for _, item := range got["interactions"].([]any) {
		bodies = append(bodies, text(item.(map[string]any)["data"]))
	}
	return bodies, got["meta"].(map[string]any)
}

func TestPaging(t *testing.T) {
	s := start(t, fake.Config{})
	list := sessionPath + "/Interactions"
	empty, meta := s.page(list)
	require.Empty(t, empty)
	require.Equal(t, map[string]any{
		"first_page_url": s.url + list + "?PageSize=50&Page=0", "key": "interactions", "next_page_url": nil,
		"page": 0.0, "page_size": 50.0, "previous_page_url": nil, "url": s.url + list + "?PageSize=50&Page=0",
	}, meta)

	var want []string
	for i := range 7 {
		s.ok(200, "POST", messagesPath, body(fmt.Sprint(i)))
		want = append([]string{fmt.Sprintf(`{"body":"%d"}`, i)}, want...)
	}
	var got, urls []string
	for next := list + "?PageSize=3"; next != ""; {
		urls = append(urls, next)
		items, meta := s.page(next)
		require.EqualValues(t, len(urls)-1, meta["page"])
		got = append(got, items...)
		next = text(meta["next_page_url"])
		if len(urls) == 2 { // new messages do not shift the following pages
			s.ok(200, "POST", messagesPath, body("late"))
			require.NotNil(t, meta["previous_page_url"])
			before, _ := s.page(text(meta["previous_page_url"]))
			require.Equal(t, want[:3], before)
		}
	}
	require.Equal(t, want, got)
	require.Len(t, urls, 3)

	numbered, _ := s.page(list + "?PageSize=3&Page=2")
	require.Equal(t, want[5:], numbered, "without a token, the page number counts")
	beyond, _ := s.page(list + "?PageSize=1000&Page=2147483647")
	require.Empty(t, beyond)
	mine, meta := s.page(messagesPath + "?PageSize=5")
	require.Len(t, mine, 5)
	rest, last := s.page(text(meta["next_page_url"]))
	require.Len(t, rest, 3)
	require.Nil(t, last["next_page_url"])
	require.True(t, slices.IsSortedFunc(rest, func(a, b string) int { return strings.Compare(b, a) }))
}

// Twilio's texts about lists say that a page has at most 100 records, whatever PageSize asks for.
func TestAPageHasAtMostAHundredRecords(t *testing.T) {
	for limit, most := range map[int]int{0: 100, 1: 1, 7: 7, 1000: 1000, -1: 1000, 2000: 1000} {
		s := start(t, fake.Config{MaxPageSize: limit})
		for i := range 120 {
			s.ok(200, "POST", messagesPath, body(fmt.Sprint(i)))
		}
		for _, path := range []string{sessionPath + "/Interactions", messagesPath} {
			seen := map[string]bool{}
			pages := 0
			for next := path + "?PageSize=1000"; next != ""; pages++ {
				got := s.ok(200, "GET", strings.TrimPrefix(next, s.url), nil).json
				meta := got["meta"].(map[string]any)
				items := got[text(meta["key"])].([]any)
				for _, item := range items {
					seen[text(item.(map[string]any)["sid"])] = true
				}
				require.LessOrEqual(t, len(items), most)
				require.EqualValues(t, min(most, 1000), meta["page_size"], "what the page has room for, and not what was asked for")
				next = text(meta["next_page_url"])
			}
			require.Len(t, seen, 120, "each record is on a page")
			require.Equal(t, (120+most-1)/most, pages)
		}
		small := s.ok(200, "GET", sessionPath+"/Interactions?PageSize=1", nil).json
		require.Len(t, small["interactions"], 1, "less may be asked for")
		numbered := s.ok(200, "GET", sessionPath+"/Interactions?PageSize=1000&Page=1", nil).json
		require.Len(t, numbered["interactions"], max(min(most, 120-most), 0), "the number of a page counts pages of that size")
	}
}
