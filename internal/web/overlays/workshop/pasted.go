package workshop

import (
	"strings"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// maxPasted is how many items can be added at once; a collection is one.
const maxPasted = 1000

// Pasted are the items in a text that somebody pasted. Errors: left4me.Invalid for
// the field "items".
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

// JoinIDs are numbers of items as the address of a page has them.
func JoinIDs(ids []left4me.WorkshopID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return strings.Join(texts, ",")
}
