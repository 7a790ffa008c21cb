package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

const problemType = "application/problem+json"

// problem is a failure with a status and headers, in the form that huma expects.
type problem struct {
	apitype.Problem
	header http.Header
}

var (
	_ huma.StatusError       = (*problem)(nil)
	_ huma.HeadersError      = (*problem)(nil)
	_ huma.ContentTypeFilter = (*problem)(nil)
)

func (p *problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders returns the additional headers of the answer.
func (p *problem) GetHeaders() http.Header { return p.header }

// ContentType returns the media type of problem documents.
func (p *problem) ContentType(string) string { return problemType }

// newProblem returns a problem document for e with an HTTP status.
func newProblem(status int, e *left4me.Error) *problem {
	e = e.Clipped() // a value from the request may be very long
	text, hint := e.Render()
	return &problem{Problem: apitype.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: text, Hint: hint, Code: e.Code, Args: e.Args,
	}}
}

// detailOf returns the description of e for the field at location.
func detailOf(e *left4me.Error, location string) apitype.Detail {
	e = e.Clipped()
	text, hint := e.Render()
	if hint != "" {
		text += "; " + hint
	}
	return apitype.Detail{Message: text, Location: location, Code: e.Code, Args: e.Args}
}

// problemOf converts err to a problem document without internal details. It contains the request
// id, under which the log has the details.
func problemOf(ctx context.Context, err error) *problem {
	p := explained(ctx, err)
	p.RequestID = requestid.From(ctx)
	return p
}

func explained(ctx context.Context, err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	err = accounts.Conceal(actorOf(ctx), disk.Explain(err))
	e, ok := left4me.Public(err)
	if !ok {
		return internal(ctx, err)
	}
	status, ok := httpserver.Status(e.Kind)
	if !ok {
		return internal(ctx, err)
	}
	if httpserver.Logged(status, e) {
		logOf(ctx).ErrorContext(ctx, "request", "err", e, "cause", e.Err)
	}
	p = newProblem(status, e)
	all := left4me.Fields{e}
	_ = errors.As(err, &all)
	for _, e := range all {
		if e.Field != "" {
			p.Errors = append(p.Errors, detailOf(e, location(e.Field)))
		}
	}
	var wait accounts.RetryAfter
	if errors.As(err, &wait) {
		p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(time.Duration(wait).Seconds())))}}
	}
	return p
}

// location returns the location of a field. Names without a prefix are fields of the body.
func location(field string) string {
	if strings.HasPrefix(field, "path.") || strings.HasPrefix(field, "query.") {
		return field
	}
	return "body." + field
}

func internal(ctx context.Context, err error) *problem {
	if ctx.Err() != nil {
		return newProblem(http.StatusServiceUnavailable, left4me.NewError(left4me.Unavailable, "request.given_up"))
	}
	logOf(ctx).ErrorContext(ctx, "request", "err", err)
	return newProblem(http.StatusInternalServerError, left4me.NewError(left4me.Internal, "internal", "request", requestid.From(ctx)))
}

type logKey struct{}

func logOf(ctx context.Context) *slog.Logger {
	if l, ok := ctx.Value(logKey{}).(*slog.Logger); ok {
		return l
	}
	return slog.Default()
}

var missing = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^expected required property (\S+) to be present$`)
})

// ownProblem converts huma's own errors of parsing and validation to problem documents.
func ownProblem(ctx huma.Context, _ string, v any) (any, error) {
	v, err := translated(v)
	if p, ok := v.(*problem); ok {
		p.RequestID = requestid.From(ctx.Context())
	}
	return v, err
}

func translated(v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	if e.Status >= 500 {
		return newProblem(e.Status, left4me.NewError(left4me.Unavailable, "request.unreadable")), nil
	}
	if e.Status == http.StatusRequestEntityTooLarge {
		return newProblem(e.Status, left4me.NewError(left4me.Invalid, "request.too_large", "limit", left4me.Bytes(bodyLimit))), nil
	}
	var details []apitype.Detail
	for _, d := range e.Errors {
		v := detailOf(left4me.NewError(left4me.Invalid, "field.invalid", "reason", d.Message), d.Location)
		v.Value = harmless(d)
		// huma reports a missing field for the object that lacks it.
		if m := missing().FindStringSubmatch(d.Message); m != nil {
			v = detailOf(left4me.NewError(left4me.Invalid, "field.missing", "field", m[1]), d.Location+"."+m[1])
		}
		details = append(details, v)
	}
	said := e.Detail
	if len(details) > 0 {
		said = details[0].Message
		if details[0].Location != "" {
			said = details[0].Location + ": " + said
		}
	}
	p := newProblem(e.Status, left4me.NewError(left4me.Invalid, "request.refused", "reason", said))
	p.Errors = details
	return p, nil
}

// harmless returns the rejected value if it is safe to include: never a whole body and never a
// password.
func harmless(d *huma.ErrorDetail) any {
	if strings.Contains(d.Location, "password") {
		return nil
	}
	switch v := d.Value.(type) {
	case float64, int, int64, bool:
		return v
	case string:
		if d.Location != "body" && len(v) <= 200 {
			return v
		}
	}
	return nil
}

// writeProblem writes a problem for handlers outside huma.
func writeProblem(w http.ResponseWriter, p *problem) {
	for k, v := range p.header {
		w.Header()[k] = v
	}
	p.RequestID = w.Header().Get(requestid.Header)
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func schemaOf[T any](h huma.API) *huma.Schema {
	t := reflect.TypeFor[T]()
	return h.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// badHeader returns the problem of an invalid header.
func badHeader(name string, e *left4me.Error) *problem {
	p := newProblem(http.StatusUnprocessableEntity, e)
	p.Errors = []apitype.Detail{detailOf(e, "header."+name)}
	return p
}
