package build

import (
	"context"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// Bounds of the check of an upload before it is published. A build checks everything.
const (
	checkBytes  = 1 << 30
	checkWithin = 15 * time.Second
	keptChecks  = 32
)

// checks keeps the latest results, because a preview is requested again whenever its form changes. One
// upload is checked at a time.
type checks struct {
	turn chan struct{} // holds a token while nothing is checked

	mu     sync.Mutex
	latest []checkedUpload // oldest first
}

// checkedUpload is the result of reading an upload, regardless of destinations.
type checkedUpload struct {
	id, fingerprint string
	packs           map[string]inspect.Pack // packs by path in the upload
	unread          int64
	err             error // left4me.Invalid: a file that cannot be unpacked
}

func newChecks() *checks {
	c := &checks{turn: make(chan struct{}, 1)}
	c.turn <- struct{}{}
	return c
}

func (c *checks) find(id, fingerprint string) (checkedUpload, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.latest, func(r checkedUpload) bool { return r.id == id && r.fingerprint == fingerprint })
	if i < 0 {
		return checkedUpload{}, false
	}
	return c.latest[i], true
}

func (c *checks) keep(r checkedUpload) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest = slices.DeleteFunc(c.latest, func(o checkedUpload) bool { return o.id == r.id })
	if c.latest = append(c.latest, r); len(c.latest) > keptChecks {
		c.latest = c.latest[1:]
	}
}

// check adds the problems of the contents of an upload to the plan: damaged archives are an error,
// damaged VPKs are warnings. now is the current revision.
func (u *uploads) check(ctx context.Context, c left4me.Change, found uploaded, now overlays.Manifest, plan *left4me.Plan) error {
	r, err := u.checked(ctx, c, found)
	if err != nil {
		return err
	}
	places := map[string]bool{}
	for _, to := range found.Destinations {
		places[to] = true
	}
	has := func(p string) bool {
		if !c.Replace && !places[p] {
			_, there := now.Get(p)
			return there
		}
		return places[p]
	}
	for from, to := range found.Destinations {
		if pack, ok := r.packs[from]; ok && to != "" {
			plan.Warnings = append(plan.Warnings, pack.At(to, has)...)
		}
	}
	plan.Unread = r.unread
	return r.err
}

// checked reads the contents of an upload, unless that was done before.
func (u *uploads) checked(ctx context.Context, c left4me.Change, found uploaded) (checkedUpload, error) {
	id, fingerprint := c.Upload, archive.Fingerprint(found.dir, c.Import)
	if r, ok := u.checks.find(id, fingerprint); ok {
		return r, nil
	}
	select {
	case <-ctx.Done():
		return checkedUpload{}, ctx.Err()
	case <-u.checks.turn:
	}
	defer func() { u.checks.turn <- struct{}{} }()
	if r, ok := u.checks.find(id, fingerprint); ok {
		return r, nil
	}
	r := checkedUpload{id: id, fingerprint: fingerprint, packs: map[string]inspect.Pack{}}
	limits := archive.CheckLimits{Bytes: checkBytes, Until: time.Now().Add(checkWithin)}
	r.unread, r.err = found.Check(ctx, limits, inspect.IsPack, func(from string, body archive.Content) (err error) {
		var a *vpk.Archive
		if body.Dir != nil {
			a, err = vpk.OpenFS(body.Dir, body.Path)
		} else {
			a, err = vpk.New(body.File, body.Size, path.Base(from))
		}
		r.packs[from], err = inspect.CheckPack(ctx, path.Base(from), a, err)
		return err
	})
	if e, ok := left4me.Public(r.err); r.err != nil && (!ok || e.Kind != left4me.Invalid) {
		return r, r.err
	}
	u.checks.keep(r)
	return r, nil
}
