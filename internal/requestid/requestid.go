// Package requestid provides the id that connects all log lines caused by one request: the lines of
// panel and API, of the jobs that the request created, and of the hosts that run them.
//
// An id is passed in the context, between processes in headers and messages, and for a job in its
// database row. [LogHandler] adds the id of the context to each log line as request=ID. Work that
// no request causes, such as a schedule, has a separate id for each run.
package requestid

import (
	"context"
	"crypto/rand"
	"log/slog"
)

// Header is the name of the header that carries an id, in HTTP and on the bus.
const Header = "X-Request-Id"

// MaxLength is the maximum length of an id in bytes. Proxies send 32 or 36.
const MaxLength = 64

// logKey is the key of the id in log lines.
const logKey = "request"

type key struct{}

// New returns a new id of 12 lower-case characters.
func New() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	for i, b := range id {
		id[i] = alphabet[b%byte(len(alphabet))]
	}
	return string(id[:])
}

// Valid reports whether a foreign id may be used: 1 to 64 characters, each an ASCII letter or
// digit, a dot, a hyphen or an underscore. Such an id can be searched for and cannot forge a log
// line.
func Valid(id string) bool {
	if id == "" || len(id) > MaxLength {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// With returns a context with id, or ctx itself if id is not valid.
func With(ctx context.Context, id string) context.Context {
	if !Valid(id) || id == From(ctx) {
		return ctx
	}
	return context.WithValue(ctx, key{}, id)
}

// From returns the id of a context, or an empty string.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

// Ensure returns ctx if it has an id, else a context with a new id.
func Ensure(ctx context.Context) context.Context {
	if From(ctx) != "" {
		return ctx
	}
	return context.WithValue(ctx, key{}, New())
}

// LogHandler returns a handler that adds the id of the context to each record.
func LogHandler(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := From(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String(logKey, id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
