package find

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio/fake"
)

// sid is one of repeated digits.
func sid(letters string, n int) string {
	return letters + strings.Repeat(fmt.Sprintf("%02x", n%256), 16)
}

// paged answers every request with one of the pages, whose records are JSON.
func paged(key string, pages ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("Page"))
		next := "null"
		if n+1 < len(pages) {
			next = fmt.Sprintf(`"http://%s%s?Page=%d"`, r.Host, r.URL.Path, n+1)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{%q:[%s],"meta":{"next_page_url":%s}}`, key, pages[n], next)
	})
}

// linkedTo sends the link to the next page to another host.
func linkedTo(t *testing.T, to string, of http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := httptest.NewRecorder()
		of.ServeHTTP(answered, r)
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write(bytes.ReplaceAll(answered.Body.Bytes(), []byte("http://"+r.Host), []byte(to)))
		require.NoError(t, err)
	})
}

// stranger is a host that must not be asked.
func stranger(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	t.Cleanup(s.Close)
	return s.URL
}

// Both tools fail alike, and say nothing that a model may take for a send.
func TestListsThatCannotBeRead(t *testing.T) {
	hang := make(chan struct{})
	for name, tc := range map[string]struct {
		upstream http.HandlerFunc
		code     tools.Code
		words    string
	}{
		"none": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":20404,"message":"m","status":404}`, 404)
		}, tools.CodeRefused, "HTTP status 404"},
		"too many": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			http.Error(w, `{"code":20429,"message":"m","status":429}`, http.StatusTooManyRequests)
		}, tools.CodeTryLater, "no more requests"},
		"broken": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"message":"m","status":500}`, 500) }, tools.CodeTryLater, "HTTP status 500"},
		"no page": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"interactions":{"a":"private words"},"sessions":"private words"}`)
		}, tools.CodeTryLater, "could not be read"},
		"left": {func(_ http.ResponseWriter, r *http.Request) {
			hang <- struct{}{}
			<-r.Context().Done()
		}, tools.CodeTryLater, "cancelled"},
		"left on the way": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("Page") == "" {
				fmt.Fprintf(w, `{"interactions":[{"data":"{\"body\":\"private words\"}"}],"sessions":[],"meta":{"next_page_url":"http://%s%s?Page=1"}}`, r.Host, r.URL.Path)
				return
			}
			hang <- struct{}{}
			<-r.Context().Done()
		}, tools.CodeTryLater, "cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newBench(t, tc.upstream)
			for tool, arguments := range map[string]string{
				"list_sessions":     fmt.Sprintf(`{"Service":%q}`, fake.ServiceSid),
				"read_conversation": fmt.Sprintf(`{"ServiceSid":%q,"SessionSid":%q}`, fake.ServiceSid, fake.SessionSid),
			} {
				ctx, cancel := context.WithCancel(t.Context())
				if strings.HasPrefix(name, "left") {
					go func() { <-hang; cancel() }()
				}
				got := r.callIn(ctx, tool, arguments)
				cancel()
				require.True(t, got.IsError)
				require.Equal(t, tc.code, got.Meta.Outcome.Code, got.raw)
				require.Contains(t, got.Content[0].Text, tc.words)
				require.NotContains(t, got.raw, "private")
				require.NotContains(t, got.raw, "sent")
			}
			require.NotContains(t, r.log.String(), "private")
		})
	}
}

// The range of a Limit is a rule, and null is no Limit.
func TestLimits(t *testing.T) {
	r := newBench(t, newFake(t, fake.Config{}))
	for limit, valid := range map[string]bool{"0": false, "-1": false, "101": false, "1e30": false, "1.5": false, `"5"`: false, "1": true, "100": true, "null": true} {
		for tool, arguments := range map[string]string{
			"list_sessions":     fmt.Sprintf(`{"Service":%q,"Limit":%s}`, fake.ServiceSid, limit),
			"read_conversation": fmt.Sprintf(`{"ServiceSid":%q,"SessionSid":%q,"Limit":%s}`, fake.ServiceSid, fake.SessionSid, limit),
		} {
			got := r.call(tool, arguments)
			require.Equal(t, !valid, got.IsError, "%s %s", limit, got.raw)
			if !valid {
				require.Equal(t, tools.CodeInvalidArguments, got.Meta.Outcome.Code)
				require.Regexp(t, `- Limit: (must be a whole number from 1 to 100|is (number|string), must be integer)\n`, got.Content[0].Text)
			}
		}
	}
}

// Definitions are read by a model in every conversation.
func TestDefinitionsAreShort(t *testing.T) {
	r := newBench(t, newFake(t, fake.Config{}))
	for name, tool := range r.offer().ListTools() {
		with, err := json.Marshal(tool.Tool)
		require.NoError(t, err)
		tool.Tool.RawOutputSchema = nil
		without, err := json.Marshal(tool.Tool)
		require.NoError(t, err)
		t.Log(name, len(without), len(with))
		require.LessOrEqual(t, len(without), 1500, name)
		require.LessOrEqual(t, len(with), 2700, name)
		require.NotContains(t, string(with), "send_message_interaction", "which may not be there")
	}
}
