package workshop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Summary describes in one line what happened to the items.
func Summary(items []left4me.WorkshopState) string {
	count := map[string]int{}
	older := 0
	for _, i := range items {
		count[i.State]++
		if i.File != "" && i.State != left4me.ItemFresh && i.State != left4me.ItemKept {
			older++
		}
	}
	parts := []string{}
	for _, state := range []struct{ state, words string }{
		{left4me.ItemFresh, "downloaded"},
		{left4me.ItemKept, "had already"},
		{left4me.ItemDeleted, "deleted"},
		{left4me.ItemPrivate, "private"},
		{left4me.ItemBanned, "banned"},
		{left4me.ItemNoFile, "without a file"},
		{left4me.ItemWrongApp, "of another game"},
		{left4me.ItemThrottled, "throttled"},
		{left4me.ItemFailed, "failed"},
		{left4me.ItemExcluded, "excluded"},
	} {
		if n := count[state.state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state.words))
		}
	}
	line := strings.Join(parts, ", ")
	if older > 0 {
		line += fmt.Sprintf("; of %d of them an older version stays in use", older)
	}
	return line
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
			"reason", i.Text))
	}
	return warnings
}
