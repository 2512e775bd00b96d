package fake

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example of Twilio's page on webhook security: its URL, parameters, token
// and signature.
func TestSignature(t *testing.T) {
	hook := webhook{"https://mycompany.com/myapp.php?foo=1&bar=2", url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+14158675309"}, "Digits": {"1234"},
		"From": {"+14158675309"}, "To": {"+18005551212"},
	}}
	require.Equal(t, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", signature("12345", hook))
}

func TestLoopbackURL(t *testing.T) {
	for address, want := range map[string]bool{
		"http://127.0.0.1:8080/x": true, "http://localhost/": true, "http://[::1]:1/": true, "http://127.9.9.9/": true,
		"": false, "http://10.0.0.1/": false, "http://localhost.example.com/": false, "http://user@example.com/127.0.0.1": false, "://": false,
	} {
		require.Equal(t, want, loopbackURL(address), address)
	}
}
