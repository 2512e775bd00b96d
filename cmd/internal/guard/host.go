package guard

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Host refuses requests whose Host header is not allowed. This stops DNS rebinding: a web page can make its own name
// resolve to this machine, but the browser then sends that name.
func (g *Guards) Host(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.hostAllowed(r.Host) {
			g.refuse(w, r, "host", http.StatusForbidden, notAllowed("Host", g.HostSetting))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *Guards) hostAllowed(host string) bool {
	if len(g.Hosts) == 0 {
		return isLoopback(host)
	}
	for _, allowed := range g.Hosts {
		if strings.EqualFold(allowed, host) || strings.EqualFold(strings.Trim(allowed, "[]"), withoutPort(host)) {
			return true
		}
	}
	return false
}

// isLoopback accepts a host name or an address, with or without a port.
func isLoopback(host string) bool {
	host = withoutPort(host)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// withoutPort removes a numeric port. A host with any other port is returned unchanged, so that it matches no allowed
// name.
func withoutPort(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return strings.Trim(host, "[]")
	}
	if strings.Trim(port, "0123456789") != "" {
		return host
	}
	return name
}
