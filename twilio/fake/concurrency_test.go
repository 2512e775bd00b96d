package fake_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

func TestManyAtOnce(t *testing.T) {
	s := start(t, fake.Config{QueuedFor: time.Millisecond, SentFor: time.Millisecond})
	next := s.events()
	var all sync.Map
	var busy sync.WaitGroup
	for worker := range 8 {
		busy.Go(func() {
			for i := range 25 {
				got, err := s.try("POST", messagesPath, body(fmt.Sprint(worker, " ", i)))
				if err == nil && got.status == 200 {
					all.Store(got.json["sid"], true)
				}
				_, _ = s.try("GET", sessionPath+"/Interactions?PageSize=5", nil)
				s.Requests()
				s.Advance(time.Millisecond)
			}
		})
	}
	busy.Wait()
	sids := 0
	all.Range(func(_, _ any) bool { sids++; return true })
	require.Equal(t, 200, sids)
	require.Equal(t, 200, s.Accepted())
	require.NotEmpty(t, next("status")["message_sid"])
}
