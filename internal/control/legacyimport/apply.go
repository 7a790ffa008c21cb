package legacyimport

import (
	"context"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Done lists what Apply did, one line per object.
type Done struct {
	Added    []string
	There    []string // objects whose name already existed
	NotTaken []string
}

// Apply adds what Read found. An object whose name already exists is considered the same and stays
// unchanged.
func Apply(ctx context.Context, s *store.Store, f Found) (Done, error) {
	var d Done
	now := time.Now().UTC().Truncate(time.Millisecond)
	from := s.By(left4me.BySystem("import"))
	for _, u := range f.Users {
		u.CreatedAt = now
		_, err := from.Users().Create(ctx, u)
		if err := d.note("user "+u.Name, err); err != nil {
			return d, err
		}
	}
	for _, o := range f.Overlays {
		o.Definition.CreatedAt, o.Definition.UpdatedAt = now, now
		_, err := from.Overlays().Create(ctx, left4me.BySystem("import"), o.Definition)
		if err := d.note("definition of overlay "+string(o.Name), err); err != nil {
			return d, err
		}
	}
	for _, b := range f.Blueprints {
		b.CreatedAt = now
		if err := d.note("blueprint "+string(b.Name), from.Blueprints().Create(ctx, b)); err != nil {
			return d, err
		}
	}
	for _, v := range f.Servers {
		v.CreatedAt = now
		if err := d.note("server "+string(v.Name), from.Servers().Create(ctx, v.Server)); err != nil {
			return d, err
		}
	}
	return d, nil
}

// note records the result for one object. It only returns an error that the user cannot resolve by
// changing the object.
func (d *Done) note(what string, err error) error {
	e, public := left4me.Public(err)
	switch {
	case err == nil:
		d.Added = append(d.Added, what)
	case public && e.Kind == left4me.Conflict && e.Field == "name":
		d.There = append(d.There, what)
	case public && e.Kind != left4me.DiskFull:
		d.NotTaken = append(d.NotTaken, what+": "+strings.TrimSuffix(e.Text, "."))
	default:
		return err
	}
	return nil
}
