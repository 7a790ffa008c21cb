package overlays

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
)

// Diff returns a page of the differences between two revisions. Errors: left4me.NotFound,
// left4me.Invalid.
func (s *Repository) Diff(ctx context.Context, r left4me.DiffRequest) (left4me.Page[left4me.FileChange], error) {
	var page left4me.Page[left4me.FileChange]
	limit, err := limitOf(r.Limit)
	if err != nil {
		return page, err
	}
	var from Manifest
	if r.From != 0 {
		if _, from, err = s.manifests.get(ctx, r.Overlay, r.From); err != nil {
			return page, err
		}
	}
	_, to, err := s.manifests.get(ctx, r.Overlay, r.To)
	if err != nil {
		return page, err
	}
	return paged(Changes(from, to), r.After, limit, func(c left4me.FileChange) string { return c.Path }), nil
}

// Changes lists the files that differ between two revisions, sorted by path. Empty directories are
// omitted.
func Changes(from, to Manifest) []left4me.FileChange {
	var all []left4me.FileChange
	each(from, to, func(p pair) bool {
		if p.from != nil && p.from.Dir {
			p.from = nil
		}
		if p.to != nil && p.to.Dir {
			p.to = nil
		}
		switch {
		case p.from == nil && p.to == nil:
		case p.from == nil:
			all = append(all, left4me.FileChange{Path: p.to.Path, What: "added", To: p.to.Size})
		case p.to == nil:
			all = append(all, left4me.FileChange{Path: p.from.Path, What: "removed", From: p.from.Size})
		default:
			all = append(all, left4me.FileChange{Path: p.to.Path, What: "changed", From: p.from.Size, To: p.to.Size})
		}
		return true
	})
	return all
}
