package fake_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"twilio-proxy-mcp/twilio/fake"
)

// FuzzHandler sends random requests. The handler must never panic, never answer
// a 5xx without a fault, and never report an error with a success status.
func FuzzHandler(f *testing.F) {
	for _, seed := range []struct{ method, target, contentType, body string }{
		{"POST", messagesPath, "application/x-www-form-urlencoded", "Body=some+message&MediaUrl=https%3A%2F%2Fexample.com"},
		{"GET", messagesPath + "?PageSize=1&PageToken=PA1&Page=3", "", ""},
		{"POST", servicePath + "/Sessions", "application/x-www-form-urlencoded", `Participants=%7B%22Identifier%22%3A%22%2B15550100009%22%7D&Ttl=1`},
		{"POST", sessionPath, "application/x-www-form-urlencoded", "Status=closed&DateExpiry=2015-07-30T20%3A00%3A00Z"},
		{"POST", servicePath, "application/x-www-form-urlencoded", "CallbackUrl=http://example.com&UniqueName=x"},
		{"POST", servicePath + "/PhoneNumbers", "application/x-www-form-urlencoded", "PhoneNumber=%2B15550107777&IsReserved=true"},
		{"POST", sessionPath + "/Participants", "application/x-www-form-urlencoded", "Identifier=messenger:1"},
		{"DELETE", participantPath, "", ""},
		{"DELETE", sessionPath, "", ""},
		{"DELETE", servicePath, "", ""},
		{"GET", "/v1/Services/%2e%2e/%zz", "", ""},
		{"PUT", "/_fake/clock", "application/json", `{"now":"9999-12-31T23:59:59Z","advance":"9999999h"}`},
		{"PUT", "/_fake/clock", "application/json", `{"now":"0001-01-01T00:00:00Z","advance":"-9999h"}`},
		{"POST", sessionPath, "application/x-www-form-urlencoded", "DateExpiry=9999-12-31T23%3A59%3A59-12%3A00"},
		{"PUT", "/_fake/settings", "application/json", `{"rate_limit":true,"queued_for":"-5s"}`},
		{"POST", "/_fake/seed", "application/json", `{"minted":3,"services":[{"unique_name":"a","seq":9,"sessions":[{"seq":1,"ttl":-5,"messages":[]}]}]}`},
		{"POST", "/_fake/participants/" + fake.ParticipantSid + "/messages", "application/json", `{"body":"x"}`},
		{"GET", "/_fake/sessions?before=1&limit=-1", "", ""},
	} {
		f.Add(seed.method, seed.target, seed.contentType, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, target, contentType, body string) {
		r, err := http.NewRequest(method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil || strings.HasPrefix(r.URL.Path, "/_fake/events") { // the event feed answers until the client leaves
			return
		}
		one := fake.New(fake.Config{})
		defer one.Close()
		r.RequestURI, r.RemoteAddr = target, "127.0.0.1:1"
		r.Header.Set("Content-Type", contentType)
		r.SetBasicAuth("x", "y")
		defer func() {
			// An armed fault may drop the connection; net/http documents this panic for it.
			if p := recover(); p != nil && !errors.Is(asError(p), http.ErrAbortHandler) {
				panic(p)
			}
		}()
		armed := false
		for range 2 { // the second request sees what the first one changed
			w := httptest.NewRecorder()
			again := r.Clone(t.Context())
			again.Body = io.NopCloser(strings.NewReader(body))
			one.ServeHTTP(w, again)
			armed = armed || len(one.Faults()) > 0
			if w.Code < 300 && !armed && strings.Contains(w.Body.String(), `"status":500}`) {
				t.Fatalf("%s %s answered %d with an error in it: %s", method, target, w.Code, w.Body)
			}
			if w.Code >= 500 && !armed {
				t.Fatalf("%s %s answered %d: %s", method, target, w.Code, w.Body)
			}
		}
		probe := httptest.NewRequest("GET", "/v1/Services", nil)
		probe.SetBasicAuth("x", "y")
		if armed {
			return
		}
		w := httptest.NewRecorder()
		one.ServeHTTP(w, probe)
		if w.Code != 200 && w.Code != 429 {
			t.Fatalf("after %s %s the services answer %d: %s", method, target, w.Code, w.Body)
		}
	})
}

func asError(p any) error { err, _ := p.(error); return err }
