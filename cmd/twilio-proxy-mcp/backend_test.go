package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The ledger must know an upstream by one name, however its address is spelled.
func TestUpstreamName(t *testing.T) {
	for name, spellings := range map[string][]string{
		"twilio.com":            {"https://proxy.twilio.com", "https://proxy.dublin.ie1.twilio.com", "https://PROXY.twilio.com/"},
		"loopback:4010":         {"http://127.0.0.1:4010", "http://localhost:4010/", "http://[::1]:4010", "http://[::ffff:127.0.0.1]:4010", "http://[::1%25lo]:4010", "http://127.0.0.2:4010"},
		"2001:db8::a:443":       {"https://[2001:db8::a]", "https://[2001:DB8:0:0::A]", "https://[2001:0db8::0:a]:443/"},
		"proxy.example.com:443": {"https://proxy.example.com", "https://proxy.example.com:443/", "https://Proxy.Example.com"},
		"example.com:443/proxy": {"https://example.com/proxy", "https://example.com/proxy/"},
	} {
		for _, spelling := range spellings {
			require.Equal(t, name, upstreamName(spelling), spelling)
		}
	}
	require.NotEqual(t, upstreamName("http://127.0.0.1:4010"), upstreamName("http://127.0.0.1:4011"))
}

// The ledger must not take one upstream for two: a message with an unknown outcome would be sent again.
func TestNoSpellingOfAnAddressIsAnotherUpstream(t *testing.T) {
	const plain = "https://example.com/proxy"
	for _, spelling := range []string{
		"https://EXAMPLE.com/proxy", "https://example.com:443/proxy/", "https://example.com:/proxy", "https://example.com/%70roxy",
		"https://example.com//proxy", "https://example.com/proxy//", "https://example.com/./proxy", "https://example.com/a/../proxy",
		"https://example.com/%2e/proxy", "https://example.com/a/%2E%2e/proxy", "https://example.com/a%2F..%2Fproxy", "https://example.com/%2fproxy",
		`https://example.com\proxy`, "https://example.com/a%5c..%5cproxy", "https://example.com./proxy", "https://example.com:0443/proxy", "https://ｅxample.com/proxy",
	} {
		t.Setenv("TWILIO_PROXY_BASE_URL", spelling)
		used, err := baseURLFromEnvironment()
		if err == nil {
			require.Equal(t, upstreamName(plain), upstreamName(used), spelling)
			continue
		}
		require.ErrorAs(t, err, new(usageError))
		require.ErrorContains(t, err, "TWILIO_PROXY_BASE_URL", spelling)
	}
}
