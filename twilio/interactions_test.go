package twilio

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListInteractionsReadsPageByPage(t *testing.T) {
	var asked []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI)
		w.Header().Set("Date", "Thu, 30 Jul 2015 20:00:01 GMT")
		next := fmt.Sprintf("%q", "http://"+r.Host+"/twilio"+interactionsURL+"?PageSize=2&PageToken=a%2Bb&Page="+fmt.Sprint(len(asked)))
		if len(asked) == 3 {
			next = "null"
		}
		fmt.Fprintf(w, `{"interactions":[%s,{"sid":"KIbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","type":"telepathy"}],"meta":{"next_page_url":%s}}`, documentedAnswer, next)
	})
	c := testClient(t, s.URL+"/twilio")
	paging := Paging{PageSize: 2}
	var more []bool
	for page, err := range c.ListInteractions(t.Context(), testService, testSession, paging) {
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		require.Equal(t, 2015, page.Date.Year())
		more = append(more, page.More)
	}
	require.Equal(t, []bool{true, true, false}, more)
	require.Equal(t, []string{
		"GET /twilio" + interactionsURL + "?PageSize=2",
		"GET /twilio" + interactionsURL + "?Page=1&PageSize=2&PageToken=a%2Bb",
		"GET /twilio" + interactionsURL + "?Page=2&PageSize=2&PageToken=a%2Bb",
	}, asked)

	asked, more = nil, nil
	paging.MaxPages = 1
	for page := range c.ListInteractions(t.Context(), testService, testSession, paging) {
		more = append(more, page.More)
	}
	require.Equal(t, []bool{true}, more, "a list that was cut short says so")
}

// Twilio may give fewer than PageSize, even none, and more on the next page.
func TestAShortPageIsNotTheEndOfAList(t *testing.T) {
	rows := []string{`[{"type":"message"}]`, `[]`, `[{"type":"message"},{"type":"message"}]`, `[]`}
	asked := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		next := `null`
		if asked < len(rows)-1 {
			next = fmt.Sprintf(`"http://%s%s?PageToken=%d"`, r.Host, interactionsURL, asked)
		}
		fmt.Fprintf(w, `{"interactions":%s,"meta":{"next_page_url":%s}}`, rows[asked], next)
		asked++
	})
	var got []int
	for page, err := range testClient(t, s.URL).ListInteractions(t.Context(), testService, testSession, Paging{PageSize: 100}) {
		require.NoError(t, err)
		got = append(got, len(page.Items))
		require.Equal(t, asked < len(rows), page.More)
	}
	require.Equal(t, []int{1, 0, 2, 0}, got)
}

func TestNextPageElsewhereIsNotFollowed(t *testing.T) {
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("followed with %v", r.Header) })
	for _, next := range []string{
		elsewhere.URL + interactionsURL + "?Page=1",
		"//" + elsewhere.Listener.Addr().String() + interactionsURL,
		"https://HOST" + interactionsURL,
		"http://user@HOST" + interactionsURL,
		"http://HOST/v1/Services",
		"http://HOST" + interactionsURL + "/../../evil",
		interactionsURL + "?Page=1",
		"%zz",
	} {
		asked := 0
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			fmt.Fprintf(w, `{"interactions":[],"meta":{"next_page_url":%q}}`, strings.Replace(next, "HOST", r.Host, 1))
		})
		var last error
		for _, last = range testClient(t, s.URL).ListInteractions(t.Context(), testService, testSession, Paging{}) {
		}
		require.ErrorContains(t, last, "another address", next)
		require.Equal(t, 1, asked)
	}
}

func TestAnUnreadablePageIsAnErrorAndNotAnEmptyList(t *testing.T) {
	for _, body := range []string{``, `{}`, `null`, `[]`, `<html>`, `{"interactions":null}`, `{"interactions":{}}`, `{"interactions":[1]}`, `{"interactions":[`,
		`{"interactions":[` + strings.Repeat("{},", maxRecords) + `{}]}`} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		var last error
		for _, last = range testClient(t, s.URL).ListInteractions(t.Context(), testService, testSession, Paging{}) {
		}
		require.Error(t, last, body)
	}
}

func TestAReadHasNoUnknownOutcome(t *testing.T) {
	for _, status := range []int{404, 408, 500} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		var last error
		for _, last = range testClient(t, s.URL).ListInteractions(t.Context(), testService, testSession, Paging{}) {
		}
		require.IsType(t, &Error{}, last)
	}
}
