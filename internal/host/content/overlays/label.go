package overlays

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// maxLabel is the maximum length of a label in characters.
const maxLabel = 80

// Use makes a revision current. Errors: left4me.NotFound.
func (s *Repository) Use(n left4me.Name, number int) error {
	return s.records.change(n, number, func(r *record, _ int) { r.Current = number })
}

// Label sets the label of a revision; an empty label removes it. Collect keeps labelled revisions.
// Errors: left4me.NotFound, left4me.Invalid.
func (s *Repository) Label(n left4me.Name, number int, label string) error {
	label = strings.TrimSpace(label)
	if !utf8.ValidString(label) || utf8.RuneCountInString(label) > maxLabel || strings.ContainsFunc(label, unicode.IsControl) {
		return left4me.NewError(left4me.Invalid, "revision.label_invalid", "limit", maxLabel).InField("label")
	}
	return s.records.change(n, number, func(r *record, i int) { r.Revisions[i].Label = label })
}

// change updates the record of a revision.
func (rs *records) change(n left4me.Name, number int, f func(r *record, i int)) error {
	if !n.Valid() || number < 1 {
		return notFound(n, number)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r, err := load(rs.layout.overlay(n))
	if err != nil {
		return fmt.Errorf("overlay %s: %w", n, err)
	}
	i := r.index(number)
	if i < 0 {
		return notFound(n, number)
	}
	f(&r, i)
	return rs.save(rs.layout.overlay(n), &r)
}

// PublishedBy returns the revision that a job published, if it is current. A job that finds its own
// revision was interrupted before it could report it.
func (s *Repository) PublishedBy(n left4me.Name, job left4me.JobID) (left4me.Revision, bool) {
	_, v, err := s.records.find(n, 0)
	return v.Revision, err == nil && job != "" && v.Job == job
}
