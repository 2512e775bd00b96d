package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
)

// selfSigned writes a certificate for 127.0.0.1 and its key, and returns a pool that
// trusts it.
func selfSigned(t *testing.T) (certificate, key string, trusted *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mcp.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(certificate, block, 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), 0o600))
	trusted = x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM(block))
	return certificate, key, trusted
}

func TestTLS(t *testing.T) {
	certificate, key, trusted := selfSigned(t)
	f, env := startFake(t)
	env = environment(t, env...)
	s := startHTTP(t, env, "--tls-cert", certificate, "--tls-key", key, "--duplicate-window", "0")
	require.Regexp(t, "^https://127", s.url)
	_, err := http.Get(s.url + "/healthz")
	require.ErrorContains(t, err, "certificate", "a client must not accept a certificate that it does not trust")
	_, err = http.Get("http" + s.url[len("https"):] + "/healthz")
	require.NoError(t, err, "net/http answers plain HTTP with 400")

	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	response, err := client.Get(s.url + "/healthz")
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, "HTTP/2.0", response.Proto)
	checkWithGoSDK(t, f, &mcp.StreamableClientTransport{Endpoint: s.url + "/mcp", HTTPClient: client}, modern)
	checkWithGoSDK(t, f, &mcp.SSEClientTransport{Endpoint: s.url + "/sse", HTTPClient: client}, legacy)
	client.CloseIdleConnections()
	s.stop()

	for _, flags := range [][]string{{"--tls-cert", certificate}, {"--tls-key", key}, {"--tls-cert", key, "--tls-key", certificate}} {
		out, errOut, code := run(t, env, "", append([]string{"http", "--addr", "127.0.0.1:0"}, flags...)...)
		require.NotZero(t, code)
		require.Empty(t, out)
		require.Contains(t, errOut, "TLS")
	}
}
