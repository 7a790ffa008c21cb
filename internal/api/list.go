package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/left4me"
)

// Lists in version 1 that are arrays stay arrays: without a limit they are complete; with one, the
// Link header (RFC 8288) contains the address of the next page. New lists answer with left4me.Page
// and have a default limit from the start.

// ListInput selects a part of a list. Like Paging, it is exported for huma. Its parameters are
// hidden from the description: oapi-codegen would change the signature of an operation's function
// for its first parameter, and ogen its result for the first header.
type ListInput struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" hidden:"true"`
	After string `query:"after" maxLength:"1000" hidden:"true"`
}

func (in ListInput) page() ListInput { return in }

const aboutPages = "With the query parameter limit, at most 1000, the answer contains only the first entries. If there are more, its " +
	"Link header contains the address of the next page with rel=\"next\"."

// order is the sort order of a list. key must be unique in the list. Keys are compared only if the
// entry before a page was removed in the meantime. Without a key, the list has no order of its own,
// and pages are addressed by position.
type order[T any] struct {
	key  func(T) string
	down bool // descending keys
}

// counted is the order of a list that does not change while left4me runs.
func counted[T any]() order[T] { return order[T]{} }

// list is a route that answers with an array. The input of f must embed a ListInput. f returns the
// whole list or, if it applies the limit itself, one entry more than the limit.
func list[I, T any](path, id, summary string, o order[T], f func(context.Context, *I) ([]T, error)) operation {
	return listBytes[I, T](path, id, summary, func(ctx context.Context, in *I) ([]byte, string, error) {
		all, err := f(ctx, in)
		if err != nil {
			return nil, "", err
		}
		page := ListInput{}
		if p, ok := any(in).(interface{ page() ListInput }); ok {
			page = p.page()
		}
		return o.page(all, page)
	})
}

// listOn is list for an operation on an object.
func listOn[O, I, T any](path, id, summary string, o order[T], f func(context.Context, O, *I) ([]T, error)) operationOn[O] {
	return operationOn[O](list(path, id, summary, o, found(f)))
}

// listBytes is list for an answer that is already encoded as JSON. next is the value of after for
// the next page, or empty.
func listBytes[I, T any](path, id, summary string,
	f func(context.Context, *I) (body []byte, next string, err error),
) operation {
	return operation{get, path, id, http.StatusOK, summary, func(h huma.API, op huma.Operation) {
		op.Description = aboutPages
		op.Responses["200"] = &huma.Response{
			Description: http.StatusText(http.StatusOK),
			Content:     map[string]*huma.MediaType{"application/json": {Schema: schemaOf[[]T](h)}},
		}
		huma.Register(h, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
			body, next, err := f(ctx, in)
			if err != nil {
				return nil, problemOf(ctx, err)
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				if next != "" {
					hc.SetHeader("Link", "<"+nextAddress(hc.URL(), next)+`>; rel="next"`)
				}
				hc.SetHeader("Content-Type", "application/json")
				hc.SetHeader("Content-Length", strconv.Itoa(len(body)))
				_, _ = hc.BodyWriter().Write(body)
			}}, nil
		})
	}}
}

// nextAddress returns the address of the next page, relative to the current one. It has no path,
// because only the client knows the path under which a proxy serves the API.
func nextAddress(u url.URL, after string) string {
	q := u.Query()
	q.Set("after", after)
	return "?" + q.Encode()
}

// page selects a page of a list, encodes it and returns the value of after for the next page.
func (o order[T]) page(all []T, in ListInput) (body []byte, next string, err error) {
	begin := 0
	if in.After != "" {
		if begin, err = o.behind(all, in.After); err != nil {
			return nil, "", err
		}
	}
	part := all[begin:]
	if in.Limit > 0 && len(part) > in.Limit {
		part = part[:in.Limit]
		next = strconv.Itoa(begin + in.Limit)
		if o.key != nil {
			next = o.key(part[in.Limit-1])
		}
	}
	if part == nil {
		part = []T{} // an empty list must be encoded as [], not null
	}
	body, err = encoded(part)
	return body, next, err
}

// behind returns the index at which the page after the given entry begins.
func (o order[T]) behind(all []T, after string) (int, error) {
	if o.key == nil {
		n, err := strconv.Atoi(after)
		if err != nil || n < 0 {
			return 0, left4me.NewError(left4me.Invalid, "query.after_unknown").InField("query.after")
		}
		return min(n, len(all)), nil
	}
	if i := slices.IndexFunc(all, func(v T) bool { return o.key(v) == after }); i >= 0 {
		return i + 1, nil
	}
	i := slices.IndexFunc(all, func(v T) bool { return o.key(v) > after != o.down })
	if i < 0 {
		return len(all), nil
	}
	return i, nil
}

// encoded encodes v in the same way as huma does for other answers.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}
