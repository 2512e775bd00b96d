//go:build !unix

package twilio

import "net"

// look cannot look into a connection on this system. Only the bounds of idle times
// then keep stale connections from being used.
func look(net.Conn) peerState { return open }
