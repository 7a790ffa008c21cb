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

// Lists of version 1 that are arrays stay arrays: without a limit they are whole,
// and with one the header Link (RFC 8288) has the address of the next page. New
// lists answer left4me.Page instead, with a limit from the start.

// ListInput is which part of a list is asked for. It is exported as Paging is, and
// hidden: with a first parameter an operation's function has another form in clients
// that oapi-codegen generates, as has its result in those of ogen with a first header.
type ListInput struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" hidden:"true"`
	After string `query:"after" maxLength:"1000" hidden:"true"`
}

func (in ListInput) page() ListInput { return in }

const aboutPages = "With the query parameter limit, at most 1000, the answer has the first entries only. Unless these are the last, its " +
	"header Link has the address of those that follow, with rel=\"next\"."

// order is how a list is sorted: key is unique in it. Keys are compared only when the
// entry behind which a page begins is no longer there. Without a key the list has no
// order of its own, and pages are counted.
type order[T any] struct {
	key  func(T) string
	down bool // keys descend
}

// counted is the order of a list that only left4me itself changes.
func counted[T any]() order[T] { return order[T]{} }

// list is a route that answers an array. The input of f must have a ListInput; f
// returns the whole list or, of one that it cuts itself, one entry more than asked for.
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

// listOn is list for an object.
func listOn[O, I, T any](path, id, summary string, o order[T], f func(context.Context, O, *I) ([]T, error)) operationOn[O] {
	return operationOn[O](list(path, id, summary, o, found(f)))
}

// listBytes is list for an answer that is JSON already; next is after of the next
// page, or empty.
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

// nextAddress is the address of the next page, relative to that of this one. It has
// no path: only who asks knows where a proxy has the API.
func nextAddress(u url.URL, after string) string {
	q := u.Query()
	q.Set("after", after)
	return "?" + q.Encode()
}

// page cuts a page out of a list and says behind what the next one begins.
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
		part = []T{} // a list without entries is empty, not null
	}
	body, err = encoded(part)
	return body, next, err
}

// behind is where a page begins.
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

// encoded is v as the other answers are encoded, too.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}
