// Package backups contains the pages of backups.
package backups

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages serves the pages of backups.
type Pages struct {
	Panel   *page.Panel
	Backups *backups.Backups
	Units   bool // left4me and its servers run as systemd units
}

// Routes returns the routes of backups.
func (p *Pages) Routes() []page.Route {
	read, change, one := page.Site(accounts.See), page.Site(accounts.SiteRight), page.Backups()
	return []page.Route{
		read.Show("/backups", "/backups", p.backupsView),
		change.Handle("POST /backups", p.createBackup),
		change.Handle("POST /backups/policy", p.setBackupPolicy),
		read.FormAddress("/backups/policy"),
		one.Show(accounts.SiteRight, "", "/backups", p.contentsView),
		one.Show(accounts.SiteRight, "/replace", "/backups", p.replaceView),
		one.Handle(accounts.SiteRight, "POST", "/restore", p.restorePart),
		one.Handle(accounts.SiteRight, "GET", "/file", p.downloadBackup),
		one.Handle(accounts.SiteRight, "POST", "/verify", p.verifyBackup),
		one.Show(accounts.SiteRight, "/delete", "/backups", p.deleteBackupView),
		one.Handle(accounts.SiteRight, "POST", "/delete", p.deleteBackup),
	}
}
