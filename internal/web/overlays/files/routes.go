// Package files contains the pages of an overlay's files, which browse, show, edit, remove
// and download them.
package files

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/downloads"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of an overlay's files.
type Pages struct {
	Panel     *page.Panel
	Overlay   *overlay.Core
	Overlays  *overlays.Overlays
	Downloads *downloads.Downloads
	Uploads   *uploads.Uploads
	Jobs      *jobs.Jobs
}

// Routes returns the routes of these pages.
func (p *Pages) Routes() []page.Route {
	one := page.Overlays()
	return []page.Route{
		one.Show(accounts.See, "", "/overlays", p.contentsView),
		one.Show(accounts.Content, "/file", "/overlays", p.overlayFileView), // files of plugins may contain passwords
		one.Handle(accounts.Content, "GET", "/download", p.downloadFile),
		one.Handle(accounts.Content, "GET", "/archive", p.downloadArchive),
		one.Handle(accounts.See, "GET", "/picture", p.showPicture),
		one.Show(accounts.Content, "/remove", "/overlays", p.removeView),
		one.Handle(accounts.Content, "POST", "/remove", p.removeFiles),
		one.Handle(accounts.Content, "GET", "/edit", p.editFile),
		one.Stream(accounts.Content, "/edit", "/overlays", p.editView),
		one.Handle(accounts.Content, "POST", "/edit", p.saveFile),
	}
}
