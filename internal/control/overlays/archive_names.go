package overlays

import (
	"context"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// AutomaticNames is the setting that detects the encoding from the names themselves.
const AutomaticNames = "automatic"

// NameEncoding is an encoding for the file names in archives.
type NameEncoding struct {
	Name  string
	Label string
}

// NameEncodings returns the available encodings, most common first.
func NameEncodings() (all []NameEncoding) {
	for _, e := range charset.All() {
		all = append(all, NameEncoding{e.Name, e.Label})
	}
	return all
}

// ArchiveNames returns the site's setting for file names in archives: AutomaticNames, or the
// encoding to assume for names that are too short for detection.
func (c *Overlays) ArchiveNames(ctx context.Context) (string, error) {
	v, err := c.storage.Site().ArchiveNames(ctx)
	if err == nil && v == "" {
		v = AutomaticNames
	}
	return v, err
}

// SetArchiveNames saves the setting. Errors: left4me.Invalid for an unknown encoding.
func (c *Overlays) SetArchiveNames(ctx context.Context, encoding string) (string, error) {
	if encoding != AutomaticNames {
		e, ok := charset.Find(encoding)
		if !ok {
			return "", left4me.NewError(left4me.Invalid, "encoding.not_listed_with_setting", "encoding",
				truncate(encoding)).InField("encoding")
		}
		encoding = e.Name
	}
	return encoding, c.storage.Site().SetArchiveNames(ctx, encoding, false)
}

// FirstUpload derives the setting for names in archives from the user's languages (Accept-Language,
// or LANG) at the first upload. Later calls have no effect.
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

// fillNamesHint fills in the encoding to assume for names that are too short for detection.
func fillNamesHint(ctx context.Context, storage *store.Store, i *left4me.Import) error {
	if i.Names != "" || i.NamesHint != "" {
		return nil
	}
	v, err := storage.Site().ArchiveNames(ctx)
	if err == nil && v != AutomaticNames {
		i.NamesHint = v
	}
	return err
}
