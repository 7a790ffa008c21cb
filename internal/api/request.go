package api

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

// refsOf writes layers as people do.
func refsOf(refs []left4me.OverlayRef) []string {
	all := make([]string, len(refs))
	for i, r := range refs {
		all[i] = r.String()
	}
	return all
}

// parseRefs reads layers; an error names the one of the field that is wrong.
func parseRefs(field string, texts []string) ([]left4me.OverlayRef, error) {
	refs := make([]left4me.OverlayRef, len(texts))
	for i, t := range texts {
		r, err := left4me.ParseOverlayRef(t)
		if e, ok := left4me.Public(err); ok {
			moved := *e
			moved.Field = fmt.Sprintf("%s[%d]", field, i)
			return nil, &moved
		}
		refs[i] = r
	}
	return refs, nil
}

// Paging is which part of a list is asked for. It is exported because
// huma overlooks what is embedded otherwise.
type Paging struct {
	After string `query:"after" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

// FilterInput is which part of a list of files is wanted. It is exported as
// Paging is.
type FilterInput struct {
	Dir   string `query:"dir" maxLength:"4096" doc:"Only what lies directly in this directory; empty is the root"`
	Deep  bool   `query:"deep" doc:"All files beneath it, without directories"`
	Query string `query:"q" maxLength:"1024" doc:"A part of the path, in any case; implies deep"`
	After string `query:"after" maxLength:"4096" doc:"next of the page before"`
	Limit int    `query:"limit" default:"200" minimum:"1" maximum:"1000"`
}

func (f FilterInput) filter() left4me.Filter {
	return left4me.Filter{Dir: f.Dir, Deep: f.Deep, Query: f.Query, After: f.After, Limit: f.Limit}
}

// pageOf never gives null for a list.
func pageOf[T any](p left4me.Page[T]) left4me.Page[T] {
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

// textOf is what is told of a whole file that isn't UTF-8.
func (c *core) textOf(ctx context.Context, size int64, data []byte) (apitype.FileText, error) {
	if size > int64(len(data)) {
		return apitype.FileText{}, nil
	}
	t, ok, err := c.Overlays.TextOf(ctx, data)
	if err != nil || !ok || t.Encoding == "" {
		return apitype.FileText{}, err
	}
	return apitype.FileText{Encoding: t.Encoding, Guess: t.Guess, Text: t.Text}, nil
}

// pathName reads a name out of a path.
func pathName(s string) (left4me.Name, error) {
	n, err := left4me.ParseName(s)
	if e, ok := left4me.Public(err); ok {
		moved := *e
		moved.Field = "path.name"
		return "", &moved
	}
	return n, err
}
