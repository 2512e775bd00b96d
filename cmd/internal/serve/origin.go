package serve

import (
	"cmp"
	"context"
	"log/slog"
	"regexp"
	"strings"
)

// origin is what is known of a request besides its message.
type origin struct {
	transport   string // stdio, sse, http
	stopping    context.Context
	caller      string
	traceparent string // the HTTP header
	id          string // JSON-RPC id as it came
	traceID     string
	spanID      string
}

type originKey struct{}

func originFrom(ctx context.Context) origin {
	o, _ := ctx.Value(originKey{}).(origin)
	return o
}

func withOrigin(ctx context.Context, o origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// withTrace adds a message's id and its trace to the request in ctx; _meta goes before the HTTP header.
func withTrace(ctx context.Context, m *message) context.Context {
	o := originFrom(ctx)
	if m.hasID() && validID(m.ID) && !strings.Contains(string(m.ID), `\`) {
		o.id = strings.Trim(string(m.ID), `"`)
	}
	if o.traceID, o.spanID = parseTraceparent(m.meta.traceparent); o.traceID == "" {
		o.traceID, o.spanID = parseTraceparent(o.traceparent)
	}
	return withOrigin(ctx, o)
}

// Caller says who makes the request that ctx belongs to: "" over stdio and where nobody has to say who they are;
// over HTTP the issuer and subject of the OAuth access token, or a digest of the bearer token.
func Caller(ctx context.Context) string { return originFrom(ctx).caller }

// Stopping returns a context that ends when the server takes no more calls: after that, a handler that got ctx should not
// wait for what nobody will miss. Where no Server of this package serves the call, it is ctx.
func Stopping(ctx context.Context) context.Context { return cmp.Or(originFrom(ctx).stopping, ctx) }

// AppendLogAttrs adds to attrs what a log line about the request that ctx belongs to should have: transport,
// jsonrpc_id, trace_id and span_id, each left out when unknown.
func AppendLogAttrs(ctx context.Context, attrs []slog.Attr) []slog.Attr {
	o := originFrom(ctx)
	for _, a := range [...]slog.Attr{
		slog.String("transport", o.transport), slog.String("jsonrpc_id", o.id),
		slog.String("trace_id", o.traceID), slog.String("span_id", o.spanID),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return attrs
}

// traceparent is W3C's (https://www.w3.org/TR/trace-context/#traceparent-header): lower-case hexadecimal digits.
var traceparent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

// parseTraceparent gives no ids when they are of zeros only, and of version ff. More may come after the flags only in versions above 00.
func parseTraceparent(value string) (traceID, spanID string) {
	parts := traceparent.FindStringSubmatch(value)
	if parts == nil || parts[1] == "ff" || parts[1] == "00" && parts[4] != "" ||
		strings.Trim(parts[2], "0") == "" || strings.Trim(parts[3], "0") == "" {
		return "", ""
	}
	return parts[2], parts[3]
}
