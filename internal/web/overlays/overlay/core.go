// Package overlay is what all pages of one overlay share: its head, its tabs, the
// job under way, and what is read of a revision.
package overlay

import (
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/page"
)

// Core reads overlays for their pages and makes what stands on each of these.
type Core struct {
	Panel    *page.Panel
	Overlays *overlays.Overlays
	Jobs     *jobs.Jobs
}
