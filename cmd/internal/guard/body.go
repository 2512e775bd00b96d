package guard

import (
	"io"
	"net/http"
)

// maxDiscarded is how many bytes of a refused body are read and thrown away. It is four times the largest body that the
// server accepts.
const maxDiscarded = 4 << 20

// ForgetBody reads and discards the rest of a refused body, up to 4 MiB and until the server's read deadline. Call it
// after the answer has been written. Some clients write their whole body before they read the answer. Without this call
// the connection would be reset while they write, and they would never see the answer. A client that sent an Expect
// header has not sent its body yet, so nothing is read from it.
func ForgetBody(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 || r.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).Flush() // a client that reads while it writes sees the answer and stops
	_, _ = io.CopyN(io.Discard, r.Body, maxDiscarded)
}
