//go:build unix

package twilio

import (
	"net"
	"syscall"
)

// look looks into the kernel's buffer of a kept connection. It never waits, and
// takes nothing out of the buffer.
//
// net/http's reader notices the same, but a moment later: its goroutine must run
// first. Until then a request would be written to nobody.
func look(conn net.Conn) peerState {
	for {
		secure, ok := conn.(interface{ NetConn() net.Conn }) // *tls.Conn
		if !ok {
			break
		}
		conn = secure.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return open
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return open
	}
	var n int
	var seen error
	var next [1]byte
	// Control and not Read: Read would wait until net/http's reader has finished.
	err = raw.Control(func(fd uintptr) {
		n, _, seen = syscall.Recvfrom(int(fd), next[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	switch {
	case err != nil: // this side has closed it
		return peerClosed
	case seen == syscall.EAGAIN || seen == syscall.EINTR:
		return open
	case seen == nil && n > 0:
		return peerSpoke
	default:
		return peerClosed
	}
}
