package overlay

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// tabs returns the tabs of an overlay's pages. They depend on the kind.
func (o Page) tabs(ctx context.Context) []page.Tab {
	tabs := []page.Tab{{Key: "contents", Label: locale.T(ctx, "overlays.tabs.contents")}}
	switch o.Kind {
	case left4me.WorkshopOverlay:
		tabs = append([]page.Tab{{Key: "items", Label: locale.T(ctx, "overlays.tabs.items"), Path: "/items"}}, tabs...)
	case left4me.ScriptOverlay:
		tabs = append(tabs, page.Tab{Key: "script", Label: locale.T(ctx, "overlays.tabs.script"), Path: "/script"})
	}
	problems := locale.T(ctx, "overlays.tabs.problems")
	if n := warned(o.Content); n > 0 {
		problems = locale.T(ctx, "overlays.tabs.problems_count", "count", n)
	}
	return append(tabs,
		page.Tab{Key: "revisions", Label: locale.T(ctx, "overlays.tabs.revisions"), Path: "/revisions"},
		page.Tab{Key: "problems", Label: problems, Path: "/problems"},
		page.Tab{Key: "campaigns", Label: locale.T(ctx, "overlays.tabs.campaigns"), Path: "/campaigns"},
		page.Tab{Key: "settings", Label: locale.T(ctx, "overlays.tabs.settings"), Path: "/settings"})
}
