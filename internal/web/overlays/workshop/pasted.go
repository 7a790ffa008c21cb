package workshop

import (
	"strings"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// AddressExample is the placeholder of fields for workshop items.
const AddressExample = "https://steamcommunity.com/sharedfiles/filedetails/?id=…"

// maxPasted is the maximum number of items that can be added at once. A collection counts as
// one item.
const maxPasted = 1000

// Pasted returns the items whose ids or addresses a text contains, at most maxPasted. Errors:
// left4me.Invalid for the field "items".
func Pasted(text string) ([]left4me.WorkshopID, error) {
	ids, bad := overlays.ParseWorkshop(text)
	switch {
	case len(bad) == 0 && len(ids) == 0 && strings.TrimSpace(text) != "":
		return nil, left4me.NewError(left4me.Invalid, "workshop.no_item_pasted").InField("items")
	case len(bad) > 0:
		return nil, left4me.NewError(left4me.Invalid, "workshop.item_invalid", "text",
			format.Visible(format.Short(bad[0]))).InField("items")
	case len(ids) > maxPasted:
		return nil, left4me.NewError(left4me.Invalid, "workshop.too_many_pasted", "count", len(ids)).InField("items")
	}
	return ids, nil
}

// JoinIDs returns ids of items for the query of an address, separated by commas.
func JoinIDs(ids []left4me.WorkshopID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return strings.Join(texts, ",")
}
