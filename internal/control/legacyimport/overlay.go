package legacyimport

import (
	"cmp"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// daily is the update interval of workshop items in hours: the older left4me updated them daily.
const daily = 24

// minIDLength is the minimum number of digits of a workshop id.
const minIDLength = 6

// defined returns v with its definition. An overlay that cannot be rebuilt from the database
// becomes a files overlay, because its files exist.
func (r *reader) defined(v Overlay) Overlay {
	files := left4me.Overlay{Name: v.Name, Kind: left4me.FilesOverlay}
	if v.Called != string(v.Name) {
		files.Note = strings.Map(printable, v.Called)
	}
	d := files
	switch kind := strings.ToLower(v.Kind); {
	case strings.Contains(kind, "script") || kind == "" && v.Script != "":
		d.Kind, d.Script = left4me.ScriptOverlay, &left4me.Script{Text: v.Script}
	case strings.Contains(kind, "workshop") || kind == "" && len(v.Items) > 0:
		d.Kind, d.Workshop = left4me.WorkshopOverlay, &left4me.Workshop{Entries: entries(v.Items), Names: "id"}
		d.Refresh = left4me.Refresh{Hours: daily}
		if len(d.Workshop.Entries) == 0 {
			r.remark("overlay %s: its workshop items are not known; it keeps its files, and is kept up to date no more", v.Name)
			d = files
		}
	}
	checked, err := overlays.Check(d)
	if err != nil {
		r.remark("overlay %s is taken as one of files: %v", v.Name, err)
		checked, err = overlays.Check(files)
	}
	if err != nil { // only the note can be invalid here
		checked = left4me.Overlay{Name: v.Name, Kind: left4me.FilesOverlay}
	}
	if checked.Kind == left4me.ScriptOverlay {
		r.remark("overlay %s: look at its script before it is built again: it runs without the network of this machine, as another "+
			"user, in the directory that it fills", v.Name)
	}
	v.Definition = checked
	return v
}

// printable returns -1 for control characters and other runes that strings.Map must drop.
func printable(c rune) rune {
	if c < 0x20 || c >= 0x7f && c < 0xa0 || c == '\u2028' || c == '\u2029' || c == '\uFFFD' {
		return -1
	}
	return c
}

// entries returns the workshop items in rows, without duplicates.
func entries(rows []map[string]any) []left4me.WorkshopEntry {
	all := []left4me.WorkshopEntry{}
	for _, row := range rows {
		var id string
		for _, column := range []string{"steam_id", "published_file_id", "publishedfileid", "workshop_id", "item_id"} {
			id = cmp.Or(id, text(row[column]))
		}
		if own := text(row["id"]); id == "" && len(own) >= minIDLength { // a shorter id is that of the row
			id = own
		}
		ids, _ := overlays.ParseWorkshop(id)
		for _, id := range ids {
			if e := (left4me.WorkshopEntry{ID: id}); !slices.ContainsFunc(all, func(x left4me.WorkshopEntry) bool { return x.ID == e.ID }) {
				all = append(all, e)
			}
		}
	}
	return all
}
