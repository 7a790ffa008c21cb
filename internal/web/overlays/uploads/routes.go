// Package uploads contains the pages that upload files to an overlay, preview and publish
// them, and the list of unpublished uploads.
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
	Panel    *page.Panel
	Overlay  *overlay.Core
	Overlays *overlays.Overlays
	Uploads  *uploads.Uploads
}

// Routes returns the routes of these pages.
func (p *Pages) Routes() []page.Route {
	one, upload := page.Overlays(), p.Panel.UploadsOfOverlays()
	return []page.Route{
		page.Site(accounts.SiteRight).Show("/uploads", "/overlays", p.listView),
		page.Site(accounts.SiteRight).Handle("POST /uploads/names", p.setNames),
		p.Panel.UploadRoutes().Handle(accounts.Content, "POST", "/drop", p.dropListed),
		one.Handle(accounts.Content, "POST", "/forget", p.forgetMove),
		one.Show(accounts.Content, "/upload", "/overlays", p.uploadView),
		one.Handle(accounts.Content, "POST", "/upload", p.uploadForm),
		one.Handle(accounts.Content, "POST", "/uploads", p.beginUpload),
		upload.Handle(accounts.Content, "GET", "", p.showPlan),
		upload.Stream(accounts.Content, "", "/overlays", p.planView),
		upload.Handle(accounts.Content, "GET", "/state", p.uploadState),
		upload.Handle(accounts.Content, "PUT", "/file", p.uploadPiece),
		upload.Handle(accounts.Content, "POST", "/publish", p.publishUpload),
		upload.FormAddress(accounts.Content, "/publish"),
		upload.Handle(accounts.Content, "POST", "/move", p.movePlan),
		upload.FormAddress(accounts.Content, "/move"),
		upload.Handle(accounts.Content, "POST", "/drop", p.dropUpload),
	}
}
