package legacyimport

import (
	"context"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Done is what Apply did, one line for each thing.
type Done struct {
	Added    []string
	There    []string // already, as it is
	NotTaken []string
}

// Apply adds what was found. What has the name of something that is there is
// taken for the same, and stays as it is.
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

// note tells what became of one thing; an error is returned when it is nothing
// that a person could have done otherwise.
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
