package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// Listen opens addr ("127.0.0.1:8080"). It refuses, and says what to set, when these guards are not enough for it or when
// the TLS files cannot be read. The files are in PEM; without them the listener does not use TLS.
func (g *Guards) Listen(ctx context.Context, addr, certFile, keyFile string) (net.Listener, error) {
	if (certFile == "") != (keyFile == "") {
		return nil, errors.New("TLS needs both a certificate file and a key file")
	}
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	if err := g.Check(resolved); err != nil {
		return nil, err
	}
	var config *tls.Config
	if certFile != "" {
		certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("TLS certificate: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", resolved.String())
	if err != nil {
		return nil, err
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	return listener, nil
}
