package send

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// What is listed is compared as a receipt is.
func TestAnInteractionInAListIsComparedAsAReceiptIs(t *testing.T) {
	digits := strings.TrimPrefix(fake.ParticipantSid, "KP")
	for name, tc := range map[string]struct {
		old, new string // in the list
		found    bool
	}{
		"digits in upper case":    {`"outbound_participant_sid":"KP` + digits, `"outbound_participant_sid":"KP` + strings.ToUpper(digits), true},
		"another's link":          {`/Interactions/KI`, `/Interactions/KI` + strings.Repeat("b", 32) + `","x":"`, false},
		"another's participant":   {`"outbound_participant_sid":"KP` + digits, `"outbound_participant_sid":"KP` + strings.Repeat("b", 32), false},
		"two participants":        {`"data":`, `"participant_sid":"KP` + strings.Repeat("b", 32) + `","data":`, false},
		"nothing said of its own": {`"outbound_participant_sid":"KP` + digits + `"`, `"outbound_participant_sid":null`, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				recorded := httptest.NewRecorder()
				f.ServeHTTP(recorded, r)
				if r.Method == http.MethodPost {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				list := recorded.Body.String()
				if !strings.Contains(list, tc.old) {
					t.Error(list)
				}
				w.Header().Set("Date", recorded.Header().Get("Date"))
				io.WriteString(w, strings.Replace(list, tc.old, tc.new, 1))
			}), nil)
			require.Equal(t, tc.found, b.send("hello").outcome().Reconciled)
		})
	}
}

// A message whose receipt went to another call at the same time is still found.
func TestAMessageWhoseReceiptWentToAnotherCallIsFound(t *testing.T) {
	f := newFake(t)
	receipt, told := make(chan []byte, 1), make(chan struct{})
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			f.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		f.ServeHTTP(recorded, r)
		select {
		case receipt <- recorded.Body.Bytes(): // the first
			<-told
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Write(<-receipt)
		}
	}), nil)
	first := make(chan answered)
	go func() { first <- b.send("first") }()
	require.Eventually(t, func() bool { return f.Accepted() == 1 && len(receipt) == 1 }, time.Second, time.Millisecond)
	require.Contains(t, b.send("second").outcome().Misfits, "data")
	close(told)
	require.True(t, (<-first).outcome().Reconciled)
}
