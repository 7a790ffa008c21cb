package overlays

import (
	"context"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// AutomaticNames leaves it to the names which encoding they are in.
const AutomaticNames = "automatic"

// NameEncoding is an encoding that names in archives may be in.
type NameEncoding struct {
	Name  string
	Label string
}

// NameEncodings returns those that can be chosen, the ones that are met most first.
func NameEncodings() (all []NameEncoding) {
	for _, e := range charset.All() {
		all = append(all, NameEncoding{e.Name, e.Label})
	}
	return all
}

// ArchiveNames returns the setting of names in archives: AutomaticNames, or the
// encoding that names are taken for which are too short to tell.
func (c *Overlays) ArchiveNames(ctx context.Context) (string, error) {
	v, err := c.storage.Site().ArchiveNames(ctx)
	if err == nil && v == "" {
		v = AutomaticNames
	}
	return v, err
}

// SetArchiveNames keeps the setting. Errors: left4me.Invalid for an encoding that
// isn't known.
func (c *Overlays) SetArchiveNames(ctx context.Context, encoding string) (string, error) {
	if encoding != AutomaticNames {
		e, ok := charset.Find(encoding)
		if !ok {
			return "", left4me.NewError(left4me.Invalid, "encoding.not_listed_with_setting", "encoding",
				short(encoding)).InField("encoding")
		}
		encoding = e.Name
	}
	return encoding, c.storage.Site().SetArchiveNames(ctx, encoding, false)
}

// FirstUpload sets names in archives for the first upload that there is, from the
// languages of who makes it (Accept-Language, or LANG). Later ones change nothing.
func (c *Overlays) FirstUpload(ctx context.Context, languages string) error {
	v, err := c.storage.Site().ArchiveNames(ctx)
	if err != nil || v != "" || languages == "" {
		return err
	}
	if v = charset.ForLanguages(languages); v == "" {
		v = AutomaticNames
	}
	return c.storage.Site().SetArchiveNames(ctx, v, true)
}

// hint fills in what names are taken for that are too short to tell.
func hint(ctx context.Context, storage *store.Store, i *left4me.Import) error {
	if i.Names != "" || i.NamesHint != "" {
		return nil
	}
	v, err := storage.Site().ArchiveNames(ctx)
	if err == nil && v != AutomaticNames {
		i.NamesHint = v
	}
	return err
}
