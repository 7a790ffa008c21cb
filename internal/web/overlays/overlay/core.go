// Package overlay contains the parts that all pages of one overlay share: the header,
// the tabs, the latest job, and access to the details and files of a revision.
package overlay

import (
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/web/page"
)

// Core reads overlays for their pages and builds the parts that each page has.
type Core struct {
	Panel    *page.Panel
	Overlays *overlays.Overlays
	Jobs     *jobs.Jobs
}
