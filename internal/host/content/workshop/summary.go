package workshop

import (
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// Summary describes the results of the items.
func Summary(items []left4me.WorkshopState) left4me.Notes {
	count := map[string]int{}
	older := 0
	for _, i := range items {
		count[i.State]++
		if i.File != "" && i.State != left4me.ItemFresh && i.State != left4me.ItemKept {
			older++
		}
	}
	notes := left4me.Notes{}
	for _, n := range []left4me.Note{
		left4me.NewNote("workshop.downloaded", "count", count[left4me.ItemFresh]),
		left4me.NewNote("workshop.present", "count", count[left4me.ItemKept]),
		left4me.NewNote("workshop.deleted", "count", count[left4me.ItemDeleted]),
		left4me.NewNote("workshop.private", "count", count[left4me.ItemPrivate]),
		left4me.NewNote("workshop.banned", "count", count[left4me.ItemBanned]),
		left4me.NewNote("workshop.without_file", "count", count[left4me.ItemNoFile]),
		left4me.NewNote("workshop.for_other_game", "count", count[left4me.ItemWrongApp]),
		left4me.NewNote("workshop.rate_limited", "count", count[left4me.ItemThrottled]),
		left4me.NewNote("workshop.failed", "count", count[left4me.ItemFailed]),
		left4me.NewNote("workshop.excluded", "count", count[left4me.ItemExcluded]),
		left4me.NewNote("workshop.older_version", "count", older),
	} {
		if n.Args["count"] != int64(0) {
			notes = append(notes, n)
		}
	}
	return notes
}

// Warnings returns a warning for each wanted item that is missing in the overlay.
func Warnings(items []left4me.WorkshopState) (warnings []left4me.Warning) {
	for _, i := range items {
		if i.File != "" || slices.Contains([]string{left4me.ItemCollection, left4me.ItemExcluded}, i.State) {
			continue
		}
		var title any
		if i.Title != "" {
			title = i.Title
		}
		warnings = append(warnings, left4me.NewWarning(left4me.WarnIncomplete, "", "workshop.item_missing", "item", i.ID, "title", title,
			"reason", reason(i)))
	}
	return warnings
}
