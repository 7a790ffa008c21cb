package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

const problemType = "application/problem+json"

// problem is a failure that huma answers with its own status and headers.
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

// GetStatus gives the HTTP status.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders gives the headers that come with it.
func (p *problem) GetHeaders() http.Header { return p.header }

// ContentType is that of a problem document.
func (p *problem) ContentType(string) string { return problemType }

func newProblem(status int, detail string) *problem {
	return &problem{Problem: apitype.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}}
}

// problemOf says what may be said of err. What is internal is logged under an id
// that the answer names.
func problemOf(ctx context.Context, err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	err = disk.Explain(err)
	e, ok := left4me.Public(err)
	if !ok {
		return internal(ctx, err)
	}
	if e.Kind == left4me.DiskFull {
		logOf(ctx).Error("request", "err", e, "cause", e.Err)
	}
	status, ok := httpserver.Status(e.Kind)
	if !ok {
		return internal(ctx, err)
	}
	p = newProblem(status, e.Text)
	p.Hint = e.Hint
	all := left4me.Fields{e}
	_ = errors.As(err, &all)
	for _, e := range all {
		if e.Field != "" {
			p.Errors = append(p.Errors, apitype.Detail{Message: e.Error(), Location: location(e.Field)})
		}
	}
	var wait accounts.RetryAfter
	if errors.As(err, &wait) {
		p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(time.Duration(wait).Seconds())))}}
	}
	return p
}

// location is where a field stands: in the body, when it doesn't say more.
func location(field string) string {
	if strings.HasPrefix(field, "path.") || strings.HasPrefix(field, "query.") {
		return field
	}
	return "body." + field
}

func internal(ctx context.Context, err error) *problem {
	if ctx.Err() != nil {
		return newProblem(http.StatusServiceUnavailable, "the request was given up")
	}
	id := httpserver.ErrorID()
	logOf(ctx).Error("request", "request", id, "err", err)
	p := newProblem(http.StatusInternalServerError, "something unexpected went wrong")
	p.Hint = "the log of left4me says more under request=" + id
	return p
}

type logKey struct{}

func logOf(ctx context.Context) *slog.Logger {
	if l, ok := ctx.Value(logKey{}).(*slog.Logger); ok {
		return l
	}
	return slog.Default()
}

var missing = regexp.MustCompile(`^expected required property (\S+) to be present$`)

// ownProblem turns huma's own failures, those of parsing and validation, into
// ours.
func ownProblem(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(e.Status, e.Detail)
	if e.Status >= 500 {
		p.Detail = "the request can't be read"
		return p, nil
	}
	if e.Status == http.StatusRequestEntityTooLarge {
		p.Detail, p.Hint = "the body is too large", fmt.Sprintf("send at most %d bytes", bodyLimit)
		return p, nil
	}
	for _, d := range e.Errors {
		v := apitype.Detail{Message: d.Message, Location: d.Location, Value: harmless(d)}
		// huma says it of the object that lacks the field.
		if m := missing.FindStringSubmatch(d.Message); m != nil {
			v = apitype.Detail{Message: m[1] + " is missing", Location: d.Location + "." + m[1]}
		}
		p.Errors = append(p.Errors, v)
	}
	if len(p.Errors) > 0 {
		first := p.Errors[0]
		p.Detail = first.Message
		if first.Location != "" {
			p.Detail = first.Location + ": " + first.Message
		}
	}
	return p, nil
}

// harmless keeps a value that helps to see the mistake: never a whole body, and
// never a password.
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

// writeProblem is for what doesn't go through huma.
func writeProblem(w http.ResponseWriter, p *problem) {
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func schemaOf[T any](h huma.API) *huma.Schema {
	t := reflect.TypeFor[T]()
	return h.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// badHeader says what is wrong with a header.
func badHeader(name, text string) *problem {
	p := newProblem(http.StatusUnprocessableEntity, text)
	p.Errors = []apitype.Detail{{Message: text, Location: fmt.Sprintf("header.%s", name)}}
	return p
}
