package fake_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"twilio-proxy-mcp/twilio/fake"
)

func call(f *fake.Fake, method, path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "127.0.0.1:1"
	r.SetBasicAuth("x", "y")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		panic(fmt.Sprint(path, " answered ", w.Code))
	}
	return w
}

// BenchmarkCreate shows that creating a message costs the same with 100,000
// messages as with none. It also reports the memory of a message with a body of
// 100 characters.
func BenchmarkCreate(b *testing.B) {
	form := "Body=" + strings.Repeat("x", 100)
	for _, present := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("with %d", present), func(b *testing.B) {
			f := fake.New(fake.Config{KeepBytes: 1 << 30})
			defer f.Close()
			f.SetClock(time.Now())
			before := heap()
			for range present {
				call(f, "POST", messagesPath, form)
			}
			f.Advance(time.Minute) // all messages are delivered
			perMessage := 0.0
			if present > 0 {
				perMessage = float64(heap()-before) / float64(present)
			}
			b.ResetTimer()
			for b.Loop() {
				call(f, "POST", messagesPath, form)
			}
			b.ReportMetric(perMessage, "B/message")
		})
	}
}

// BenchmarkPages reads a page of a conversation of 100,000 messages.
func BenchmarkPages(b *testing.B) {
	f := fake.New(fake.Config{KeepBytes: 1 << 30})
	defer f.Close()
	for range 100_000 {
		call(f, "POST", messagesPath, "Body=x")
	}
	for name, path := range map[string]string{
		"API":  sessionPath + "/Interactions?PageSize=50&Page=1000",
		"page": "/_fake/sessions/" + fake.SessionSid + "/messages?limit=50&before=50000",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				call(f, "GET", path, "")
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
