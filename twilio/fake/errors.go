package fake

import (
	"fmt"
	"strings"
)

// A refusal is an error answer in Twilio's shape. The package comment says which
// pairs of HTTP status and code Twilio documents.
type refusal struct {
	Code     int    `json:"code,omitempty"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info,omitempty"`
	Status   int    `json:"status"`
}

func (r *refusal) Error() string { return r.Message }

// refuse makes an error answer. With code 0 it has no code and no more_info, like
// Twilio's own 500.
func refuse(status, code int, format string, args ...any) *refusal {
	r := &refusal{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
	if code != 0 {
		r.MoreInfo = fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code)
	}
	return r
}

// notFound words a 404 as the real API was seen to do. The path in it has no
// version.
func notFound(path string) *refusal {
	return refuse(404, 20404, "The requested resource %s was not found", strings.TrimPrefix(path, "/v1"))
}

// invalid makes an error with code 80701 in its documented wording.
func invalid(parameter, why string) *refusal {
	return refuse(400, 80701, "'%s' is invalid. %s", parameter, why)
}
