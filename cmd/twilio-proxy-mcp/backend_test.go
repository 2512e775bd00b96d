package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The ledger must know an upstream by one name, however its address is spelled.
func TestUpstreamName(t *testing.T) {
	for name, spellings := range map[string][]string{
		"twilio.com":            {"https://proxy.twilio.com", "https://proxy.dublin.ie1.twilio.com", "https://PROXY.twilio.com/"},
		"loopback:4010":         {"http://127.0.0.1:4010", "http://localhost:4010/", "http://[::1]:4010"},
		"proxy.example.com:443": {"https://proxy.example.com", "https://proxy.example.com:443/", "https://Proxy.Example.com"},
		"example.com:443/proxy": {"https://example.com/proxy", "https://example.com/proxy/"},
	} {
		for _, spelling := range spellings {
			require.Equal(t, name, upstreamName(spelling), spelling)
		}
	}
	require.NotEqual(t, upstreamName("http://127.0.0.1:4010"), upstreamName("http://127.0.0.1:4011"))
}
