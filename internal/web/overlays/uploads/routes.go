// Package uploads is the pages on which files are uploaded to an overlay, placed and
// published, and the list of unpublished uploads.
package uploads

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of uploads.
type Pages struct {
	Panel   *page.Panel
	Overlay *overlay.Core
	Content *overlays.Overlays
	Uploads *uploads.Uploads
}

// Routes is the part of the table of routes that is about uploads.
func (p *Pages) Routes() []page.Route {
	const change = accounts.Act
	return []page.Route{
		page.Show(change, "/uploads", "/overlays", p.listView),
		page.Handle(change, "POST /uploads/{id}/drop", p.dropListed),
		page.Handle(change, "POST /uploads/names", p.setNames),
		page.Handle(change, "POST /overlays/{name}/forget", p.forgetMove),
		page.Show(change, "/overlays/{name}/upload", "/overlays", p.uploadView),
		page.Handle(change, "POST /overlays/{name}/upload", p.uploadForm),
		page.Handle(change, "POST /overlays/{name}/uploads", p.beginUpload),
		page.Handle(change, "GET /overlays/{name}/uploads/{id}", p.showPlan),
		page.Stream(change, "/overlays/{name}/uploads/{id}", "/overlays", p.planView),
		page.Handle(change, "GET /overlays/{name}/uploads/{id}/state", p.uploadState),
		page.Handle(change, "PUT /overlays/{name}/uploads/{id}/file", p.uploadPiece),
		page.Handle(change, "POST /overlays/{name}/uploads/{id}/publish", p.publishUpload),
		page.Handle(change, "GET /overlays/{name}/uploads/{id}/publish", p.Panel.FormAddress),
		page.Handle(change, "POST /overlays/{name}/uploads/{id}/move", p.movePlan),
		page.Handle(change, "GET /overlays/{name}/uploads/{id}/move", p.Panel.FormAddress),
		page.Handle(change, "POST /overlays/{name}/uploads/{id}/drop", p.dropUpload),
	}
}
