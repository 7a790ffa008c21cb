package overlay

import (
	"strconv"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// overlayTabs are the parts of an overlay's page.
func (o Page) tabs() []page.Tab {
	tabs := []page.Tab{{Key: "contents", Label: "Contents"}}
	switch o.Kind {
	case left4me.WorkshopOverlay:
		tabs = append([]page.Tab{{Key: "items", Label: "Items", Path: "/items"}}, tabs...)
	case left4me.ScriptOverlay:
		tabs = append(tabs, page.Tab{Key: "script", Label: "Script", Path: "/script"})
	}
	problems := "Problems"
	if n := warned(o.Content); n > 0 {
		problems += " " + strconv.Itoa(n)
	}
	return append(tabs,
		page.Tab{Key: "revisions", Label: "Revisions", Path: "/revisions"},
		page.Tab{Key: "problems", Label: problems, Path: "/problems"},
		page.Tab{Key: "campaigns", Label: "Campaigns", Path: "/campaigns"},
		page.Tab{Key: "settings", Label: "Settings", Path: "/settings"})
}
