package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func sampleResults() *Results {
	return &Results{
		Rows: []row{
			{cell: cell{InFlight: 64}, Subject: stdioName, Ledger: "off", RateRatio: 0.5, CPU: time.Second, CPURatio: 2},
			{cell: cell{InFlight: 64}, Subject: mcpgoName, RateRatio: 0.25, CPURatio: 8},
		},
		Startup: []Startup{{cannedName, time.Millisecond, 1}, {stdioName, 4 * time.Millisecond, 4}},
	}
}

func TestGoalsTellMetFromMissedFromUnmeasured(t *testing.T) {
	verdicts := map[string]Goal{}
	for _, g := range goals(sampleResults()) {
		name, _, _ := strings.Cut(g.Text, ": ")
		verdicts[name] = g
	}
	met := verdicts["stdio, 0 ms, 64 in flight, calls/s to the floor's"]
	require.True(t, met.Measured && met.Met)
	require.Equal(t, "0.5", met.Figure)
	missed := verdicts["the same, to mcp-go's own server with both validations"]
	require.True(t, missed.Measured && !missed.Met)
	require.False(t, verdicts["Streamable HTTP, 0 ms, 64 in flight, calls/s to the floor's"].Measured)
	require.False(t, verdicts["calls answered of 1,000 begun at once"].Met)
}

func TestChartIsXML(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(chart(sampleResults())))
	for {
		_, err := decoder.Token()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
	}
}
