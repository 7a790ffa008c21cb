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
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/overlays/{name}", "/overlays", p.contentsView),
		page.Show(change, "/overlays/{name}/file", "/overlays", p.overlayFileView), // passwords of plugins stand in some
		page.Handle(change, "GET /overlays/{name}/download", p.downloadFile),
		page.Handle(change, "GET /overlays/{name}/archive", p.downloadArchive),
		page.Handle(read, "GET /overlays/{name}/picture", p.showPicture),
		page.Show(change, "/overlays/{name}/remove", "/overlays", p.removeView),
		page.Handle(change, "POST /overlays/{name}/remove", p.removeFiles),
		page.Handle(change, "GET /overlays/{name}/edit", p.editFile),
		page.Stream(change, "/overlays/{name}/edit", "/overlays", p.editView),
		page.Handle(change, "POST /overlays/{name}/edit", p.saveFile),
	}
}
