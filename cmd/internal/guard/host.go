package guard

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
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

// checkHost compares a host with what is left of it in a URL, which is what clients send.
func checkHost(host string) error {
	u, err := url.Parse("http://" + host + "/")
	if _, isAddress := netip.ParseAddr(host); isAddress == nil {
		return nil // an IPv6 address without brackets
	}
	if err != nil || u.Host != host || u.Hostname() == "" || strings.Contains(host, "*") {
		return fmt.Errorf("the allowed host %q %w: name it as it stands in a URL, such as mcp.example or mcp.example:8080, without a scheme, a path or *", host, ErrHost)
	}
	return nil
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
