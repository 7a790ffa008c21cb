package overlays

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/left4me/left4me/internal/left4me"
)

// List describes all overlays, sorted by name, followed by the deleted ones that can be restored.
func (s *Repository) List(ctx context.Context, used Used) ([]left4me.Content, error) {
	names, err := s.layout.names()
	if err != nil {
		return nil, err
	}
	aside, err := s.layout.deleted()
	if err != nil {
		return nil, err
	}
	u, err := s.usage.count(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]left4me.Content, 0, len(names)+len(aside))
	for _, n := range names {
		c, err := s.content(ctx, n, s.layout.overlay(n), used, u)
		if err != nil {
			return nil, fmt.Errorf("overlay %s: %w", n, err)
		}
		all = append(all, c)
	}
	for _, d := range aside {
		c, err := s.content(ctx, d.name, d.dir, nil, u)
		if err != nil {
			return nil, fmt.Errorf("deleted overlay %s: %w", d.name, err)
		}
		c.DeletedAt, c.GoneAt = d.at, d.expires()
		all = append(all, c)
	}
	return all, nil
}

// Currents returns the current revision of each overlay that has one.
func (s *Repository) Currents() (map[left4me.Name]int, error) {
	names, err := s.layout.names()
	if err != nil {
		return nil, err
	}
	all := make(map[left4me.Name]int, len(names))
	for _, n := range names {
		current, err := Current(s.layout.overlay(n))
		if err != nil {
			return nil, fmt.Errorf("overlay %s: %w", n, err)
		}
		if current > 0 {
			all[n] = current
		}
	}
	return all, nil
}

// Get describes an overlay, including all details of one revision; 0 means the current one. Errors:
// left4me.NotFound.
func (s *Repository) Get(ctx context.Context, n left4me.Name, number int, used Used) (left4me.Content, error) {
	_, v, err := s.records.find(n, number)
	if err != nil {
		return left4me.Content{}, err
	}
	u, err := s.usage.count(ctx)
	if err != nil {
		return left4me.Content{}, err
	}
	c, err := s.content(ctx, n, s.layout.overlay(n), used, u)
	if err != nil {
		return c, err
	}
	details, err := readNotes(s.layout.overlay(n), v.Number)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("details of %s@%d: %w", n, v.Number, err)
	}
	for i := range c.Revisions {
		if r := &c.Revisions[i]; r.Number == v.Number {
			r.Warnings, r.Campaigns, r.Items = details.Warnings, details.Campaigns, details.Items
		}
	}
	return c, nil
}

func (s *Repository) content(ctx context.Context, n left4me.Name, dir string, used Used, u *uses) (left4me.Content, error) {
	r, err := load(dir)
	if err != nil {
		return left4me.Content{}, err
	}
	c := left4me.Content{
		Name:      n,
		Current:   r.Current,
		Revisions: make([]left4me.Revision, 0, len(r.Revisions)),
		Own:       u.own[dir],
		Shared:    u.all[dir] - u.own[dir],
	}
	for _, v := range r.Revisions {
		rev := v.Revision
		if v.Hand {
			w, err := s.usage.weigh(ctx, filepath.Join(dir, strconv.Itoa(v.Number)))
			if err != nil {
				return c, err
			}
			rev.Files, rev.Bytes = w.files, w.bytes
		}
		rev.Own = u.own[filepath.Join(dir, strconv.Itoa(v.Number))]
		rev.Servers = used.by(n, v.Number)
		c.Revisions = append(c.Revisions, rev)
	}
	return c, nil
}
