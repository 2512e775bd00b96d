package serve

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// certificate writes httptest's certificate for 127.0.0.1 to files.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	source := httptest.NewTLSServer(http.NotFoundHandler())
	defer source.Close()
	key, err := x509.MarshalPKCS8PrivateKey(source.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: source.Certificate().Raw}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	}
	pool = x509.NewCertPool()
	pool.AddCert(source.Certificate())
	return certFile, keyFile, pool
}

func TestTLSServesCallsAndEventStreamsOverBothVersionsOfHTTP(t *testing.T) {
	certFile, keyFile, pool := certificate(t)
	for protocol, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		h := startTLS(t, newFixture().server(), HTTP{}, certFile, keyFile)
		h.url = strings.Replace(h.url, "http:", "https:", 1)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: http2}
		h.client = &http.Client{Transport: transport}
		require.Equal(t, `{"n":1}`, readAnswer(t, h.post("/mcp", callLine(1, "echo")).body).Result.Content[0].Text)

		response, err := h.client.Get(h.url + "/sse")
		require.NoError(t, err)
		require.Equal(t, protocol, response.Proto)
		stream := &eventStream{h: h, body: response.Body, lines: bufio.NewScanner(response.Body)}
		stream.endpoint = "/" + stream.receive()
		stream.send(callLine(2, "echo"))
		require.Equal(t, "2", string(readAnswer(t, stream.receive()).ID))
		h.stop()
		require.Empty(t, stream.receive(), "the stream is closed")
		response.Body.Close()
		require.NoError(t, <-h.done)
		transport.CloseIdleConnections()
	}
}

func TestTLSRefusesPlainHTTP(t *testing.T) {
	certFile, keyFile, _ := certificate(t)
	h := startTLS(t, newFixture().server(), HTTP{}, certFile, keyFile)
	response, err := h.client.Get(h.url + "/healthz")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, response.StatusCode, "%s", body)
}

func TestTLSFilesAreReadBeforeListening(t *testing.T) {
	_, err := new(HTTP).Guards.Listen(t.Context(), "127.0.0.1:0", "missing.pem", "missing.pem")
	require.ErrorContains(t, err, "TLS certificate")
}

func TestTLSIsOfVersion12AtLeast(t *testing.T) {
	certFile, keyFile, pool := certificate(t)
	h := startTLS(t, newFixture().server(), HTTP{}, certFile, keyFile)
	for version, admitted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", h.addr(), &tls.Config{RootCAs: pool, MinVersion: version, MaxVersion: version})
		if !admitted {
			require.Error(t, err, tls.VersionName(version))
			continue
		}
		require.NoError(t, err, tls.VersionName(version))
		conn.Close()
	}
}
