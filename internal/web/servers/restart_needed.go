package servers

import (
	"fmt"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// newContentOf names the overlays that a restart would change: maps@3, or how
// many there are.
func newContentOf(all []left4me.OverlayChange) string {
	if len(all) > 2 {
		return fmt.Sprintf("%d overlays", len(all))
	}
	var names []string
	for _, c := range all {
		if c.To == 0 {
			names = append(names, "the removal of "+string(c.Overlay))
		} else {
			names = append(names, left4me.OverlayRef{Name: c.Overlay, Revision: c.To}.String())
		}
	}
	return strings.Join(names, " and ")
}
