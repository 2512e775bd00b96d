package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sampleResults() *results {
	return &results{
		rows: []row{
			{cell: cell{inFlight: 64}, subject: stdioName, ledger: "off", own: figures{cpu: 1}, ratio: figures{rate: 0.5, cpu: 2}},
			{cell: cell{inFlight: 64}, subject: mcpgoName, ratio: figures{rate: 0.25, cpu: 8}},
		},
		started: []started{{cannedName, 1, 1}, {stdioName, 4, 4}},
	}
}

func TestGoalsTellMetFromMissedFromUnmeasured(t *testing.T) {
	verdicts := map[string]goal{}
	for _, g := range sampleResults().goals() {
		name, _, _ := strings.Cut(g.text, ": ")
		verdicts[name] = g
	}
	met := verdicts["stdio, 0 ms, 64 in flight, calls/s to the floor's"]
	require.True(t, met.measured && met.met)
	require.Equal(t, "0.5", met.figure)
	missed := verdicts["the same, to mcp-go's own server with both validations"]
	require.True(t, missed.measured && !missed.met)
	require.False(t, verdicts["Streamable HTTP, 0 ms, 64 in flight, calls/s to the floor's"].measured)
	require.False(t, verdicts["calls answered of 1,000 begun at once"].met)
}

func TestChartIsXML(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(sampleResults().chart()))
	for {
		_, err := decoder.Token()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
	}
}
