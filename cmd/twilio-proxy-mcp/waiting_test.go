package main

import (
	"bytes"
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
	"twilio-proxy-mcp/cmd/internal/ptytest"
)

func TestAWaitIsShownAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		var columns atomic.Int64
		columns.Store(42)
		shows := func() string { synctest.Wait(); return ptytest.Shown(out.String()) }
		writer := logs.New(&out)
		w := newWaiting(writer, "weigh_parcels", func() int { return int(columns.Load()) })
		time.Sleep(time.Second - 1)
		require.Empty(t, shows())
		time.Sleep(time.Nanosecond)
		require.Equal(t, "| Waiting for weigh_parcels   1s", shows())
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, "/ Waiting for weigh_parcels   1s", shows())
		time.Sleep(10 * time.Second)
		require.Contains(t, shows(), " 11s")

		for _, c := range []struct{ params, want string }{
			{`{"progressToken":"call","progress":3,"total":150,"message":"Reading sessions"}`, "Reading sessions"},
			{`{"progressToken":"other","progress":4,"message":"of another call"}`, "Reading sessions"},
			{`{"progressToken":"call","progress":6,"message":"The status is\n\u001b[31m\u202eqrst"}`, `The status is \u001b[31m\u202…`},
			{`{"progressToken":"call","progress":7.004868757,"total":8}`, `The status is \u001b[31m\u202…`},
			{`{"progressToken":"call","progress":8,"message":"Nearly"}`, "Nearly"},
		} {
			var heard mcp.JSONRPCNotification
			require.NoError(t, json.Unmarshal([]byte(`{"method":"notifications/progress","params":`+c.params+`}`), &heard))
			w.hear(heard)
			time.Sleep(200 * time.Millisecond)
			require.Contains(t, shows(), " "+c.want+"  1", c.params)
			require.LessOrEqual(t, widthOf(shows()), 42-3)
		}
		columns.Store(0) // another job has the terminal
		time.Sleep(200 * time.Millisecond)
		require.Empty(t, shows())
		columns.Store(10) // too few
		time.Sleep(200 * time.Millisecond)
		require.Empty(t, shows())
		columns.Store(20)
		time.Sleep(200 * time.Millisecond)
		require.Contains(t, shows(), "Nearly  12s")
		begun := time.Now()
		w.stop()
		writer.Flush()
		require.Empty(t, shows())
		require.Zero(t, time.Since(begun))
		writer.Close()
	})
}

func TestAQuickCallShowsNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		writer := logs.New(&out)
		w := newWaiting(writer, "weigh_parcels", func() int { return 80 })
		time.Sleep(time.Second - 1)
		w.stop()
		writer.Close()
		require.Empty(t, out.String())
	})
}

func TestWhatIsNoTerminalShowsNoWait(t *testing.T) {
	writer := logs.New(&bytes.Buffer{})
	defer writer.Close()
	require.Nil(t, program{err: writer}.waitFor("weigh_parcels"))
}
