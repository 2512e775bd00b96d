package guard

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListenRefusesWhatTheGuardsAreNotEnoughFor(t *testing.T) {
	token := strings.Repeat("t", 32)
	for name, g := range map[string]*Guards{
		"nothing": {}, "no hosts": {Tokens: []string{token}}, "no token": {Hosts: []string{"mcp.example"}},
	} {
		_, err := g.Listen(t.Context(), "0.0.0.0:0", "", "")
		require.ErrorIs(t, err, ErrOpen, name)
	}
	_, err := (&Guards{}).Listen(t.Context(), "127.0.0.1", "", "")
	require.ErrorContains(t, err, `listen on "127.0.0.1"`)

	open := &Guards{Tokens: []string{token}, Hosts: []string{"mcp.example"}}
	for addr, g := range map[string]*Guards{"127.0.0.1:0": {}, "[::1]:0": {}, "0.0.0.0:0": open} {
		listener, err := g.Listen(t.Context(), addr, "", "")
		if addr == "[::1]:0" && err != nil && !errors.Is(err, ErrOpen) {
			continue // this machine has no IPv6
		}
		require.NoError(t, err, addr)
		require.NoError(t, listener.Close())
	}
}

func TestListenReadsBothFilesOfTLS(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for _, half := range [][2]string{{missing, ""}, {"", missing}} {
		_, err := (&Guards{}).Listen(t.Context(), "127.0.0.1:0", half[0], half[1])
		require.ErrorContains(t, err, "both a certificate file and a key file")
	}
	_, err := (&Guards{}).Listen(t.Context(), "127.0.0.1:0", missing, missing)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "TLS certificate")
}
