package find

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/tools"
)

// maxServices is how many Services an error lists.
const maxServices = 20

// service is the Service to read: the one asked for by its SID or name, or else the one that --service names, or else the
// account's only one. Several are never all searched. The error is a *tools.Failure; one that a choice would mend lists what
// there is to choose from.
func (s *search) service(ctx context.Context, given string) (schema.ServiceSid, error) {
	name := cmp.Or(given, s.Service)
	if sid, err := schema.ParseSid[schema.KS](strings.TrimSpace(name)); err == nil {
		return sid, nil
	}
	if name != "" {
		found, head, err := s.Client.FetchService(ctx, name)
		s.answered(head)
		if err == nil {
			return *found.Sid, nil
		}
		if !noSuchName(err) {
			return schema.ServiceSid{}, failed(ctx, err)
		}
	}
	list := services{asked: ask(name), any: name == "", best: unlike}
	if err := eachOf(ctx, s, s.Client.ListServices(ctx, s.paging()), list.add); err != nil {
		return schema.ServiceSid{}, failed(ctx, err)
	}
	if len(list.fit) == 1 && s.cut == "" {
		return list.fit[0], nil
	}
	return schema.ServiceSid{}, list.failure(s.cut, given == "" && name != "")
}

// services are those of the account, as far as they matter to the choice of one.
type services struct {
	asked
	any   bool // no name was asked for, and every one fits
	best  rank
	fit   []schema.ServiceSid // of that rank; two are enough to know that there are several
	shown []string
	more  bool // not all are shown
}

func (l *services) add(service *schema.Service) (more bool) {
	sid, fit := *service.Sid, unlike
	if l.any {
		fit = whole
	} else if service.UniqueName != nil {
		fit = l.rank(*service.UniqueName)
	}
	if fit == loose { // nobody can confirm it before the Service is read
		fit = unlike
	}
	if fit < l.best {
		l.best, l.fit = fit, nil
	}
	if fit == l.best && fit != unlike && len(l.fit) < 2 && !slices.Contains(l.fit, sid) {
		l.fit = append(l.fit, sid)
	}
	if len(l.shown) < maxServices {
		l.shown = append(l.shown, described(service))
	} else {
		l.more = true
	}
	return fit != exact && !(l.any && l.more) // no other has the exact name
}

// described is a line of an error. The name is quoted, because it is text from outside, and only its beginning: the SID will do.
func described(service *schema.Service) string {
	if shown := asItCame(service.UniqueName, nil); shown != nil {
		return fmt.Sprintf("%s %q", service.Sid, *shown)
	}
	return service.Sid.String()
}

func (l *services) failure(cut string, configured bool) error {
	f := &tools.Failure{Outcome: tools.Outcome{Code: tools.CodeInvalidArguments}, Next: "Call again with the SID of one of them as Service; ask the user which one if that is not clear."}
	whose := "has the name that was asked for"
	if configured {
		whose = "has the name that --service gives"
	}
	switch {
	case len(l.shown) == 0 && cut == "":
		f.Happened, f.Next = "The account has no Proxy Service.", "Tell the user."
		return f
	case l.any && len(l.shown) <= 1:
		f.Happened = "Whether the account has only one Service is not known."
	case l.any:
		f.Happened = "The account has several Services, and none was chosen."
	case len(l.fit) == 0:
		f.Happened = "No Service " + whose + "."
	case len(l.fit) == 1:
		f.Happened = "Whether only one Service " + whose + " is not known."
	default:
		f.Happened = "More than one Service " + whose + "."
	}
	if cut != "" {
		f.Happened += " Not all were read. " + cut
	}
	if len(l.shown) == 0 {
		f.Next = "Call again with the SID of a Service as Service; ask the user for it."
		return f
	}
	f.Happened += " There are:\n- " + strings.Join(l.shown, "\n- ") + "\n"
	if l.more {
		f.Happened += "- and others\n"
	}
	return f
}
