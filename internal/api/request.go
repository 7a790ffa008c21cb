package api

import (
	"context"
	"fmt"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

// refsOf formats layers as text.
func refsOf(refs []left4me.OverlayRef) []string {
	all := make([]string, len(refs))
	for i, r := range refs {
		all[i] = r.String()
	}
	return all
}

// parseRefs parses layers. An error names the index of the invalid one in field.
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

// Paging selects a part of a list. It is exported because huma ignores embedded fields of
// unexported types.
type Paging struct {
	After string `query:"after" doc:"Value of next from the previous page"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

// FilterInput selects a part of a list of files. Like Paging, it is exported for huma.
type FilterInput struct {
	Dir   string `query:"dir" maxLength:"4096" doc:"List only this directory, without its subdirectories' contents; empty: the root"`
	Deep  bool   `query:"deep" doc:"List all files under dir, without directories"`
	Query string `query:"q" maxLength:"1024" doc:"Substring of the path, ignoring case; implies deep"`
	After string `query:"after" maxLength:"4096" doc:"Value of next from the previous page"`
	Limit int    `query:"limit" default:"200" minimum:"1" maximum:"1000"`
}

func (f FilterInput) filter() left4me.Filter {
	return left4me.Filter{Dir: f.Dir, Deep: f.Deep, Query: f.Query, After: f.After, Limit: f.Limit}
}

// pageOf replaces a nil list by an empty one.
func pageOf[T any](p left4me.Page[T]) left4me.Page[T] {
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

// textOf returns the decoded text of a complete file that is not UTF-8.
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

// pathName parses a name from the path of a request.
func pathName(s string) (left4me.Name, error) {
	n, err := left4me.ParseName(s)
	if e, ok := left4me.Public(err); ok {
		moved := *e
		moved.Field = "path.name"
		return "", &moved
	}
	return n, err
}
