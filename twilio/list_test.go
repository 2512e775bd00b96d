package twilio

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/schema"
)

// Of a link, only the query counts, and only where the rest is the page's own address, however it is spelled.
func TestWhichLinksAreFollowed(t *testing.T) {
	const twilio = "https://proxy.twilio.com"
	const upper = "/v1/Services/KSAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/Sessions"
	for _, tc := range []struct {
		base, link string
		err        error
	}{
		{"", twilio + "PATH?PageSize=50&Page=1&PageToken=PAKCaaaa", nil},
		{"", "https://proxy.twilio.com:443PATH?Page=1", nil},
		{"", "HTTPS://Proxy.Twilio.COM:PATH?Page=1", nil},
		{"", twilio + "PATH?Page=1#fragment", nil},
		{"", twilio + upper + "?Page=1", nil},
		{"", twilio + "PATH", nil},
		{"https://proxy.twilio.com:443/", twilio + "PATH?Page=1", nil},
		{"https://PROXY.twilio.com", twilio + "PATH?Page=1", nil},
		{"https://proxy.dublin.ie1.twilio.com", twilio + "PATH?Page=1", nil},
		{"https://proxy.dublin.ie1.twilio.com", "https://proxy.ie1.twilio.comPATH?Page=1", nil},
		{"https://gateway.example.com/tw%2Filio/", "https://gateway.example.com/tw%2filioPATH?Page=1", nil},
		{"http://127.0.0.1:80", "http://127.0.0.1PATH?Page=1", nil},
		{"http://[::1]:8080", "http://[::1]:8080PATH?Page=1", nil},

		{"", "http://proxy.twilio.comPATH?Page=1", ErrElsewhere},
		{"", "https://proxy.twilio.com:8443PATH?Page=1", ErrElsewhere},
		{"", "https://proxy.twilio.com:0443PATH?Page=1", ErrElsewhere},
		{"", "https://proxy.twilio.com.example.comPATH?Page=1", ErrElsewhere},
		{"", "https://api.twilio.comPATH?Page=1", ErrElsewhere},
		{"", "https://evil-proxy.twilio.comPATH?Page=1", ErrElsewhere},
		{"", "https://user:secret@proxy.twilio.comPATH?Page=1", ErrElsewhere},
		{"", "https://proxy.twilio.com@example.comPATH?Page=1", ErrElsewhere},
		{"", "https:proxy.twilio.comPATH?Page=1", ErrElsewhere},
		{"", twilio + "PATH/?Page=1", ErrElsewhere},
		{"", twilio + "/v1//Services?Page=1", ErrElsewhere},
		{"", "//proxy.twilio.comPATH?Page=1", ErrElsewhere},
		{"", "PATH?Page=1", ErrElsewhere},
		{"", "?Page=1", ErrElsewhere},
		{"", " ", ErrElsewhere},
		{"", "\x00", ErrElsewhere},
		{"https://gateway.example.com/twilio", twilio + "PATH?Page=1", ErrElsewhere},
		{"https://gateway.example.com/twilio", "https://gateway.example.comPATH?Page=1", ErrElsewhere},
		{"http://127.0.0.1:8080", "http://localhost:8080PATH?Page=1", ErrElsewhere},

		{"", twilio + "PATH?PageToken=a;b", errLink},
		{"", twilio + "PATH?PageToken=%zz", errLink},
		{"", twilio + "PATH?PageToken=" + strings.Repeat("a", maxNextLink), errLink},
	} {
		c := &Client{BaseURL: tc.base, Username: "AC", Password: testSecret}
		require.NoError(t, c.Check())
		path := pathTo("Services", testService.String(), "Sessions")
		next, err := c.nextPath(path+"?PageSize=100", strings.Replace(tc.link, "PATH", path, 1))
		if tc.err != nil {
			require.ErrorIs(t, err, tc.err, tc.link)
			continue
		}
		require.NoError(t, err, tc.link)
		_, query, _ := strings.Cut(tc.link, "?")
		query, _, _ = strings.Cut(query, "#")
		require.Equal(t, c.urlOf(path).String(), strings.SplitN(c.urlOf(next).String(), "?", 2)[0])
		require.Equal(t, strings.Contains(query, "PageToken"), strings.Contains(next, "?Page=1&PageSize=50&PageToken=PAKCaaaa"))
	}
}

// Whatever the query has, it stays a query, and asks for what the link asks for.
func TestAPageTokenMayBeAnything(t *testing.T) {
	const token = `%0D%0AHost:%20evil%00%2F..%3B%23?/..&PageToken=&=%ff&a+b=%F0%9F%98%80`
	var asked []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		next := ""
		if asked = append(asked, r.URL.Path); len(asked) == 1 {
			next = "http://" + r.Host + r.URL.Path + "?PageToken=" + token
		} else if r.URL.Query().Get("PageToken") != "\r\nHost: evil\x00/..;#?/.." || r.URL.Query().Get("a b") != "\U0001f600" || r.URL.Query().Get("") != "\xff" {
			t.Errorf("%q", r.RequestURI)
		}
		fmt.Fprintf(w, `{"services":[],"meta":{"next_page_url":%q}}`, next)
	})
	require.NoError(t, lastError(testClient(t, s.URL).ListServices(t.Context(), Paging{})))
	require.Equal(t, []string{"/v1/Services", "/v1/Services"}, asked)
}

// listAsFollows lists Services from a server whose every page has the next of these queries; the last one comes again and
// again. It returns how many requests came, and how the list ended.
func listAsFollows(t *testing.T, paging Paging, queries ...string) (asked int, more bool, last error) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query := queries[min(asked, len(queries)-1)]
		asked++
		link := "http://" + r.Host + r.URL.Path + "?" + strings.ReplaceAll(query, "N", fmt.Sprint(asked))
		if query == "elsewhere" {
			link = "http://elsewhere.example.com" + r.URL.Path
		}
		fmt.Fprintf(w, `{"services":[{"sid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}],"meta":{"next_page_url":%q}}`, link)
	})
	for page, err := range testClient(t, s.URL).ListServices(t.Context(), paging) {
		if last = err; err == nil {
			more = page.More
		}
	}
	return asked, more, last
}

func TestAListAlwaysEnds(t *testing.T) {
	for _, tc := range []struct {
		paging  Paging
		queries []string
		asked   int
		err     error
	}{
		{Paging{}, []string{"Page=1"}, 2, errLoop},
		{Paging{}, []string{""}, 2, errLoop},
		{Paging{PageSize: 7}, []string{"PageSize=7"}, 1, errLoop},
		{Paging{}, []string{"Page=1", "Page=2", "b=&Page=3", "Page=1"}, 4, errLoop},
		{Paging{}, []string{"a=1&b=2", "b=2&a=1"}, 2, errLoop},
		{Paging{}, []string{"Page=N"}, defaultMaxPages, nil},
		{Paging{MaxPages: -1}, []string{"Page=N"}, defaultMaxPages, nil},
		{Paging{MaxPages: 3}, []string{"Page=N"}, 3, nil},
		{Paging{MaxPages: 3}, []string{"Page=N", "elsewhere"}, 2, ErrElsewhere},
		// What is not followed anyway may lead anywhere.
		{Paging{MaxPages: 2}, []string{"Page=N", "elsewhere"}, 2, nil},
		{Paging{MaxPages: 2}, []string{"Page=1"}, 2, nil},
		{Paging{MaxPages: 1}, []string{"Page=%zz"}, 1, nil},
	} {
		asked, more, err := listAsFollows(t, tc.paging, tc.queries...)
		require.Equal(t, tc.asked, asked, tc)
		require.ErrorIs(t, err, tc.err, tc)
		require.True(t, more, "a list that was cut short says so")
	}
}

// What hides whether another page follows is no page: the list would seem complete.
func TestAPageThatHidesTheNextIsNone(t *testing.T) {
	for _, meta := range []string{`7`, `"x"`, `[]`, `{"next_page_url":7}`, `{"next_page_url":{}}`} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"services":[],"meta":%s}`, meta) })
		require.ErrorContains(t, lastError(testClient(t, s.URL).ListServices(t.Context(), Paging{})), "is not a page of services", meta)
	}
}

func TestAListWithoutASidIsNotAskedFor(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	for _, paging := range []Paging{{}, {PageSize: 100}} {
		require.ErrorIs(t, lastError(testClient(t, s.URL).ListSessions(t.Context(), schema.ServiceSid{}, paging)), ErrNoPath)
	}
}
