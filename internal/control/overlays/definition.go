package overlays

import (
	"context"
	"errors"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Create adds an overlay without building it. Errors: left4me.Invalid and left4me.Conflict, with
// the field.
func (c *Overlays) Create(ctx context.Context, by left4me.Actor, v left4me.Overlay) (View, error) {
	v, err := Check(v)
	if err != nil {
		return View{}, err
	}
	k, err := c.known(ctx)
	if err != nil {
		return View{}, err
	}
	switch have, there := k.contents[v.Name]; {
	case k.deleted(v.Name), there && !have.DeletedAt.IsZero():
		return View{}, left4me.NewError(left4me.Conflict, "overlay.name_of_deleted", "overlay", v.Name).InField("name")
	case there:
		return View{}, errNameTaken(v.Name)
	}
	v.CreatedAt = toMillis(c.now())
	v.UpdatedAt = v.CreatedAt
	if _, err := c.storage.Overlays().Create(ctx, by, v); err != nil {
		return View{}, err
	}
	c.log.InfoContext(ctx, "overlay created", "overlay", v.Name, "kind", v.Kind, "by", by.String())
	return c.Get(ctx, v.Name)
}

func errNameTaken(n left4me.Name) error {
	return left4me.NewError(left4me.Conflict, "overlay.exists", "overlay", n).InField("name")
}

func toMillis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Update replaces a definition. v.Version is the version that was edited. Errors: left4me.NotFound,
// left4me.Invalid, and left4me.Conflict if the definition was changed since that version.
func (c *Overlays) Update(ctx context.Context, by left4me.Actor, v left4me.Overlay) (View, error) {
	v, err := Check(v)
	if err != nil {
		return View{}, err
	}
	v.UpdatedAt = toMillis(c.now())
	if v.Version == 0 { // the definition had no row
		row, err := c.row(ctx, by, v.Name)
		if err != nil {
			return View{}, err
		}
		if v.Version = row.Version; v.Version != 1 {
			v.Version = 0 // another request created and changed the row first
		}
	}
	row, err := c.storage.Overlays().Update(ctx, by, v)
	if err != nil {
		return View{}, err
	}
	c.log.InfoContext(ctx, "overlay changed", "overlay", v.Name, "by", by.String(), "version", row.Version)
	return c.Get(ctx, v.Name)
}

// Rename renames an overlay, even while servers use it: its host keeps the old name. Stacks of
// servers and blueprints refer to the new name. version is the version that was edited; 0 skips the
// check. Errors: left4me.NotFound; left4me.Invalid and left4me.Conflict for the field "name";
// left4me.Conflict if the overlay was changed since that version or is deleted.
func (c *Overlays) Rename(ctx context.Context, by left4me.Actor, name, to left4me.Name, version int) (View, error) {
	if err := checkName(to); err != nil {
		return View{}, err
	}
	if _, err := c.row(ctx, by, name); err != nil {
		return View{}, err
	}
	k, err := c.known(ctx)
	if err != nil {
		return View{}, err
	}
	if _, defined := k.definitions[to]; !defined && to != name && k.overlayNames.Shown(to) != name {
		switch have, there := k.contents[to]; {
		case there && !have.DeletedAt.IsZero():
			return View{}, left4me.NewError(left4me.Conflict, "overlay.name_of_deleted", "overlay", to).InField("name")
		case there:
			return View{}, errNameTaken(to)
		}
	}
	c.rolloutMu.Lock() // a rollout that is being written contains the old name
	before, after, err := c.storage.By(by).Overlays().Rename(ctx, name, to, version)
	c.rolloutMu.Unlock()
	if err != nil {
		return View{}, err
	}
	if before.Name != after.Name {
		c.revisionsChanged.Ring()
		c.log.InfoContext(ctx, "overlay renamed", "overlay", after.Name, "from", before.Name, "on host", after.OnHost(), "by", by.String())
	}
	return c.Get(ctx, to)
}

// row returns the definition of an overlay. For an overlay that only exists on the host's disk, it
// creates one. Errors: left4me.NotFound, left4me.Unavailable.
func (c *Overlays) row(ctx context.Context, by left4me.Actor, name left4me.Name) (store.Overlay, error) {
	v, err := c.storage.Overlays().Get(ctx, name)
	if !errors.Is(err, left4me.NotFound) {
		return v, err
	}
	k, err := c.known(ctx)
	if err != nil {
		return v, err
	}
	if err := k.exists(name); err != nil {
		return v, err
	}
	now := toMillis(c.now())
	v, err = c.storage.Overlays().Create(ctx, by, left4me.Overlay{Name: name, Kind: left4me.FilesOverlay, CreatedAt: now, UpdatedAt: now})
	if errors.Is(err, left4me.Conflict) { // another request has just created it
		return c.storage.Overlays().Get(ctx, name)
	}
	return v, err
}

// Scripts returns the versions of an overlay's script, newest first. Errors: left4me.NotFound.
func (c *Overlays) Scripts(ctx context.Context, name left4me.Name) ([]Script, error) {
	if _, err := c.Get(ctx, name); err != nil {
		return nil, err
	}
	rows, err := c.storage.Overlays().Scripts(ctx, name)
	if err != nil {
		return nil, err
	}
	all := make([]Script, len(rows))
	for i, r := range rows {
		all[i] = Script(r)
	}
	return all, nil
}

// Script is a version of an overlay's script.
type Script struct {
	Version   int
	Text      string
	By        string
	CreatedAt time.Time
}

// ProposeName returns a name that no overlay of c has, derived from a title; see left4me.ProposeName.
func ProposeName(ctx context.Context, c *Overlays, title string) (left4me.Name, error) {
	k, err := c.known(ctx)
	if err != nil {
		return "", err
	}
	onHost := map[left4me.Name]bool{}
	for _, d := range k.definitions {
		onHost[d.HostName] = true
	}
	return left4me.ProposeName(title, func(n left4me.Name) bool {
		_, defined := k.definitions[n]
		_, there := k.contents[n]
		return defined || there || onHost[n]
	}), nil
}
