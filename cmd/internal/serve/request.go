package serve

import (
	"context"
	"encoding/hex"
	"log/slog"
	"strings"
)

// request is what is known of a request besides its message.
type request struct {
	transport   string // stdio, sse, http
	caller      string
	traceparent string // the HTTP header
	id          string // JSON-RPC id as it came
	traceID     string
	spanID      string
}

type requestKey struct{}

func requestFrom(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		return request{}
	}
	return *r
}

func withRequest(ctx context.Context, r request) context.Context {
	return context.WithValue(ctx, requestKey{}, &r)
}

// withTrace adds a message's id and its trace to the request in ctx; _meta goes before the HTTP header.
func withTrace(ctx context.Context, m *message, traceparent string) context.Context {
	r := requestFrom(ctx)
	if m.hasID() && validID(m.ID) && !strings.Contains(string(m.ID), `\`) {
		r.id = strings.Trim(string(m.ID), `"`)
	}
	var ok bool
	if r.traceID, r.spanID, ok = parseTraceparent(traceparent); !ok {
		r.traceID, r.spanID, _ = parseTraceparent(r.traceparent)
	}
	return withRequest(ctx, r)
}

// Caller says who makes the request that ctx belongs to: "" over stdio and where nobody has to say who they are;
// over HTTP the issuer and subject of the OAuth access token, or a digest of the bearer token.
func Caller(ctx context.Context) string { return requestFrom(ctx).caller }

// AppendLogAttrs adds to attrs what a log line about the request that ctx belongs to should have: transport,
// jsonrpc_id, trace_id and span_id, each left out when unknown.
func AppendLogAttrs(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	r := requestFrom(ctx)
	for _, a := range [...]slog.Attr{
		slog.String("transport", r.transport), slog.String("jsonrpc_id", r.id),
		slog.String("trace_id", r.traceID), slog.String("span_id", r.spanID),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return attrs
}

// parseTraceparent reads a W3C traceparent (https://www.w3.org/TR/trace-context/#traceparent-header): lower-case
// hex, no ids of zeros only, version ff refused, more after the flags only in versions above 00.
func parseTraceparent(value string) (traceID, spanID string, ok bool) {
	if len(value) < 55 || value[2] != '-' || value[35] != '-' || value[52] != '-' {
		return "", "", false
	}
	version, trace, span, flags := value[:2], value[3:35], value[36:52], value[53:55]
	for _, part := range [...]string{version, trace, span, flags} {
		if _, err := hex.DecodeString(part); err != nil || strings.ToLower(part) != part {
			return "", "", false
		}
	}
	if version == "ff" || strings.Trim(trace, "0") == "" || strings.Trim(span, "0") == "" {
		return "", "", false
	}
	if len(value) > 55 && (version == "00" || value[55] != '-') {
		return "", "", false
	}
	return trace, span, true
}
