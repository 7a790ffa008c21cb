// Package requestid is the id by which everything that one request causes is found in
// the log: the lines of panel and API, of the jobs that it asked for, and of the hosts
// that work on them.
//
// An id travels in the context, between processes in headers and messages, and with a
// job in its row. [LogHandler] writes it on each line that is logged with its context,
// as request=ID. What no request causes, such as a schedule, has an id of its own for
// each run.
package requestid

import (
	"context"
	"crypto/rand"
	"log/slog"
)

// Header is the header of HTTP and of the bus that carries an id.
const Header = "X-Request-Id"

// MaxLength is how long an id may be, in bytes. Proxies send 32 or 36.
const MaxLength = 64

// logKey is the key of an id in a line of the log.
const logKey = "request"

type key struct{}

// New makes an id: 12 characters, lower case.
func New() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	for i, b := range id {
		id[i] = alphabet[b%byte(len(alphabet))]
	}
	return string(id[:])
}

// Valid reports whether somebody else's id may be used: 1 to 64 characters, each a
// letter or a digit of ASCII, a dot, a hyphen or an underscore. Such an id can be
// searched for and forges no line of the log.
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

// With returns a context that has id; ctx itself when id is not valid.
func With(ctx context.Context, id string) context.Context {
	if !Valid(id) || id == From(ctx) {
		return ctx
	}
	return context.WithValue(ctx, key{}, id)
}

// From returns the id of a context, or nothing.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

// Ensure returns a context that has an id: ctx itself, or one with a new id when ctx
// has none.
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
