package overlays

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// Used maps each revision that is mounted or about to be mounted to its servers.
type Used map[left4me.OverlayRef][]left4me.Name

// by returns the servers that use a revision.
func (u Used) by(n left4me.Name, number int) []left4me.Name {
	return u[left4me.OverlayRef{Name: n, Revision: number}]
}

// Drop removes a revision. It is hidden immediately; [Repository.Sweep] deletes its files. The
// caller must prevent new mounts of the revision during the call. Errors: left4me.NotFound;
// left4me.Busy if the revision is current or in use.
func (s *Repository) Drop(n left4me.Name, number int, used Used) error {
	_, v, err := s.records.find(n, number)
	if err != nil {
		return err
	}
	s.records.mu.Lock()
	defer s.records.mu.Unlock()
	dir := s.layout.overlay(n)
	r, err := load(dir)
	if err != nil {
		return err
	}
	switch up := used.by(n, v.Number); {
	case r.Current == v.Number:
		return left4me.NewError(left4me.Busy, "revision.current", "revision", v.Number, "overlay", n)
	case len(up) > 0:
		return left4me.NewError(left4me.Busy, "revision.in_use", "revision", v.Number, "overlay", n, "servers", left4me.JoinNames(up))
	}
	return s.records.drop(dir, &r, v.Number)
}

// drop removes a revision from overlay.json and then from disk. The caller holds rs.mu.
func (rs *records) drop(dir string, r *record, number int) error {
	i := r.index(number)
	if i < 0 {
		return nil
	}
	if r.Revisions[i].Hand { // without notes, load would list the directory again
		text, err := json.Marshal(notes{V: recordVersion, Dropped: true, Revision: left4me.Revision{Number: number}})
		if err == nil {
			err = durable.WriteFile(filepath.Join(dir, strconv.Itoa(number)+notesSuffix), text, 0o644)
		}
		if err != nil {
			return rs.layout.diskFull(err, 0)
		}
	}
	r.Revisions = append(r.Revisions[:i:i], r.Revisions[i+1:]...)
	if err := rs.save(dir, r); err != nil {
		return err
	}
	return rs.sweep(dir, *r)
}

// sweep removes everything that overlay.json doesn't mention: remains of interrupted publishes and
// drops. The caller holds rs.mu.
func (rs *records) sweep(dir string, r record) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var unnamed []string // manifests of unlisted revisions
	for _, e := range entries {
		name := e.Name()
		stem, isNotes := cutSuffix(name, notesSuffix)
		files, isFiles := cutSuffix(name, filesSuffix)
		switch {
		case strings.HasPrefix(name, ".new-"):
			err = os.Remove(filepath.Join(dir, name))
		case isNotes:
			n, ok := number(stem)
			if !ok || r.index(n) >= 0 {
				continue
			}
			// Remove the directory first: without notes it would count as installed by hand.
			if err = rs.layout.moveToRemoved(filepath.Join(dir, stem)); err == nil {
				err = os.Remove(filepath.Join(dir, name))
			}
		case isFiles:
			if n, ok := number(files); ok && r.index(n) < 0 {
				unnamed = append(unnamed, files)
			}
		}
		if err != nil {
			return err
		}
	}
	if len(unnamed) == 0 {
		return nil
	}
	needed := map[string]bool{}
	for _, v := range r.Revisions {
		if p, err := readFiles(dir, v.Number); err == nil {
			needed[strconv.Itoa(p.base)] = true
		}
	}
	for _, stem := range unnamed {
		if !needed[stem] {
			if err := os.Remove(filepath.Join(dir, stem+filesSuffix)); err != nil {
				return err
			}
		}
	}
	return nil
}
