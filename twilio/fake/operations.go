package fake

import (
	"net/http"
	"net/url"
	"strings"
)

// An operation is one of the API's operations.
type operation struct {
	id     string // its name in Twilio's OpenAPI description
	method string
	path   string
	status int                             // of a success
	do     func(*Fake, *call) (any, error) // runs with the lock held; its error is a *refusal
}

const (
	servicePath     = "/v1/Services/{ServiceSid}"
	numbersPath     = servicePath + "/PhoneNumbers"
	sessionsPath    = servicePath + "/Sessions"
	sessionPath     = sessionsPath + "/{SessionSid}"
	interactionPath = sessionPath + "/Interactions"
	peoplePath      = sessionPath + "/Participants"
	messagesPath    = peoplePath + "/{ParticipantSid}/MessageInteractions"
)

// operations lists the 25 operations of Proxy v1 with the statuses that
// Twilio's OpenAPI description gives (as of 2026-02-05).
func operations() []operation {
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	return []operation{
		{"ListService", get, "/v1/Services", 200, (*Fake).listService},
		{"CreateService", post, "/v1/Services", 201, (*Fake).createService},
		{"FetchService", get, "/v1/Services/{Sid}", 200, (*Fake).fetchService},
		{"UpdateService", post, "/v1/Services/{Sid}", 200, (*Fake).updateService},
		{"DeleteService", del, "/v1/Services/{Sid}", 204, (*Fake).deleteService},

		{"ListPhoneNumber", get, numbersPath, 200, (*Fake).listPhoneNumber},
		{"CreatePhoneNumber", post, numbersPath, 201, (*Fake).createPhoneNumber},
		{"FetchPhoneNumber", get, numbersPath + "/{Sid}", 200, (*Fake).fetchPhoneNumber},
		{"UpdatePhoneNumber", post, numbersPath + "/{Sid}", 200, (*Fake).updatePhoneNumber},
		{"DeletePhoneNumber", del, numbersPath + "/{Sid}", 204, (*Fake).deletePhoneNumber},

		{"ListSession", get, sessionsPath, 200, (*Fake).listSession},
		{"CreateSession", post, sessionsPath, 201, (*Fake).createSession},
		{"FetchSession", get, sessionsPath + "/{Sid}", 200, (*Fake).fetchSession},
		{"UpdateSession", post, sessionsPath + "/{Sid}", 200, (*Fake).updateSession},
		{"DeleteSession", del, sessionsPath + "/{Sid}", 204, (*Fake).deleteSession},

		{"ListParticipant", get, peoplePath, 200, (*Fake).listParticipant},
		{"CreateParticipant", post, peoplePath, 201, (*Fake).createParticipant},
		{"FetchParticipant", get, peoplePath + "/{Sid}", 200, (*Fake).fetchParticipant},
		{"DeleteParticipant", del, peoplePath + "/{Sid}", 200, (*Fake).deleteParticipant},

		{"ListInteraction", get, interactionPath, 200, (*Fake).listInteraction},
		{"FetchInteraction", get, interactionPath + "/{Sid}", 200, (*Fake).fetchInteraction},
		{"DeleteInteraction", del, interactionPath + "/{Sid}", 204, (*Fake).deleteInteraction},

		{"ListMessageInteraction", get, messagesPath, 200, (*Fake).listMessageInteraction},
		{"CreateMessageInteraction", post, messagesPath, 200, (*Fake).createMessageInteraction},
		{"FetchMessageInteraction", get, messagesPath + "/{Sid}", 200, (*Fake).fetchMessageInteraction},
	}
}

// route returns the operation that a request asks for, and the elements of its
// path by name. The error is a 405 if the path only has operations with other
// methods, and a 404 if it has none.
func (f *Fake) route(r *http.Request) (*operation, map[string]string, error) {
	elements, ok := pathElements(r.URL)
	if !ok {
		return nil, nil, notFound(r.URL.Path)
	}
	pathExists := false
	for i := range f.operations {
		op := &f.operations[i]
		values, ok := matchPath(op.path, elements)
		if ok && op.method == r.Method {
			return op, values, nil
		}
		pathExists = pathExists || ok
	}
	if pathExists {
		return nil, nil, refuse(405, 20004, "Method not allowed")
	}
	return nil, nil, notFound(r.URL.Path)
}

// pathElements splits the path before it unescapes the elements, so that an
// escaped slash never splits one.
func pathElements(u *url.URL) ([]string, bool) {
	elements := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	for i, e := range elements {
		plain, err := url.PathUnescape(e)
		if err != nil || plain == "" {
			return nil, false
		}
		elements[i] = plain
	}
	return elements, true
}

func matchPath(pattern string, elements []string) (map[string]string, bool) {
	names := strings.Split(pattern[1:], "/")
	if len(names) != len(elements) {
		return nil, false
	}
	var values map[string]string
	for i, name := range names {
		if name[0] == '{' {
			if values == nil {
				values = make(map[string]string, 4)
			}
			values[name[1:len(name)-1]] = elements[i]
		} else if name != elements[i] {
			return nil, false
		}
	}
	return values, true
}
