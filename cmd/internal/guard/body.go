package guard

import (
	"io"
	"net/http"
)

// maxForgotten is how many bytes of a refused body are still taken, four bodies of the largest size that is served; chosen.
const maxForgotten = 4 << 20

// ForgetBody takes what is left of a body that was refused, up to 4 MiB and for as long as the server's read deadline
// allows. It is called when the answer has been written: a client that writes all it has before it reads gets that answer
// then, and not a connection that was reset under it. A client that has asked whether to send its body at all is not read.
func ForgetBody(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 || r.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).Flush() // who reads meanwhile stops writing
	_, _ = io.CopyN(io.Discard, r.Body, maxForgotten)
}
