package api

import (
	"fmt"

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
