// Package files is the pages of the files of an overlay: browse, show, edit, remove
// and download.
package files

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of files.
type Pages struct {
	Panel     *page.Panel
	Overlay   *overlay.Core
	Content   *overlays.Overlays
	Downloads *overlays.Downloads
	Uploads   *uploads.Uploads
	Jobs      *jobs.Jobs
}

// Routes is the part of the table of routes that is about files of overlays.
func (p *Pages) Routes() []page.Route {
	const look, act = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(look, "/overlays/{name}", "/overlays", p.contentsView),
		page.Show(act, "/overlays/{name}/file", "/overlays", p.overlayFileView), // passwords of plugins stand in some
		page.Handle(act, "GET /overlays/{name}/download", p.downloadFile),
		page.Handle(act, "GET /overlays/{name}/archive", p.downloadArchive),
		page.Handle(look, "GET /overlays/{name}/picture", p.showPicture),
		page.Show(act, "/overlays/{name}/remove", "/overlays", p.removeView),
		page.Handle(act, "POST /overlays/{name}/remove", p.removeFiles),
		page.Handle(act, "GET /overlays/{name}/edit", p.editFile),
		page.Stream(act, "/overlays/{name}/edit", "/overlays", p.editView),
		page.Handle(act, "POST /overlays/{name}/edit", p.saveFile),
	}
}
