package fake

import (
	"fmt"
	"strings"
)

// A refusal is an error answer in Twilio's shape. The HTTP status that goes
// with a Proxy code is chosen, except where the package comment says otherwise.
type refusal struct {
	Code     int    `json:"code,omitempty"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info,omitempty"`
	Status   int    `json:"status"`
}

func (r *refusal) Error() string { return r.Message }

// refuse makes an error answer; code 0 leaves code and more_info out, as
// Twilio's own 500 does.
func refuse(status, code int, format string, args ...any) *refusal {
	r := &refusal{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
	if code != 0 {
		r.MoreInfo = fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code)
	}
	return r
}

// notFound words a 404 as the real API was seen to: without the version.
func notFound(path string) *refusal {
	return refuse(404, 20404, "The requested resource %s was not found", strings.TrimPrefix(path, "/v1"))
}

// invalid is code 80701 in its documented wording.
func invalid(parameter, why string) *refusal {
	return refuse(400, 80701, "'%s' is invalid. %s", parameter, why)
}
