package fake_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/twilio/fake"
)

// post makes one request without a network connection, because a synctest bubble
// cannot wait for the network.
func post(t *testing.T, f *fake.Fake, method, path, form string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.SetBasicAuth(fake.AccountSid, "token")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	require.Less(t, w.Code, 300, "%s", w.Body)
	return w
}

func create(t *testing.T, f *fake.Fake, text string) *httptest.ResponseRecorder {
	t.Helper()
	return post(t, f, http.MethodPost, messagesPath, "Body="+text)
}

// If the folder is missing for a while, nothing is lost. The changes are written
// when it is back, even without a further change. The failure is logged once.
func TestFailedWriteIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		folder := filepath.Join(t.TempDir(), "state")
		path := filepath.Join(folder, "state.json")
		require.NoError(t, os.Mkdir(folder, 0o700))
		f := fake.New(fake.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, f.OpenState(path))
		require.NoError(t, os.Rename(folder, folder+".away"))
		create(t, f, "while+away")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, strings.Count(log.String(), "cannot be written"), "%s", &log)

		require.NoError(t, os.Rename(folder+".away", folder))
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.Contains(t, read(t, path), "while away")
		create(t, f, "afterwards")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Contains(t, read(t, path), "afterwards")

		require.NoError(t, os.Rename(folder, folder+".away"))
		create(t, f, "again")
		require.Error(t, f.Close(), "the last write fails")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 1, strings.Count(log.String(), "cannot be written"), "%s", &log)
		require.NoError(t, os.Rename(folder+".away", folder))
		require.NoError(t, f.Close())
		require.Contains(t, read(t, path), "again")
	})
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// The file is replaced, not rewritten. A process that has it open still reads the
// old content.
func TestStateFileIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.json")
		f := fake.New(fake.Config{})
		require.NoError(t, f.OpenState(path))
		before, err := os.Stat(path)
		require.NoError(t, err)
		create(t, f, "hello")
		time.Sleep(time.Second)
		synctest.Wait()
		after, err := os.Stat(path)
		require.NoError(t, err)
		require.False(t, os.SameFile(before, after))
		require.NoError(t, f.Close())
	})
}

func TestDeletedInteractionIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.json")
		f := fake.New(fake.Config{})
		require.NoError(t, f.OpenState(path))
		var made struct{ Sid string }
		require.NoError(t, json.Unmarshal(create(t, f, "gone+soon").Body.Bytes(), &made))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Contains(t, read(t, path), "gone soon")
		post(t, f, http.MethodDelete, sessionPath+"/Interactions/"+made.Sid, "")
		time.Sleep(time.Second)
		synctest.Wait()
		require.NotContains(t, read(t, path), "gone soon")
		require.NoError(t, f.Close())
	})
}
