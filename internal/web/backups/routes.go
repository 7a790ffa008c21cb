// Package backups is the pages of backups.
package backups

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of backups.
type Pages struct {
	Panel   *page.Panel
	Backups *backups.Backups
	Units   bool // left4me and its servers are units of systemd
}

// Routes is the part of the table of routes that is about backups.
func (p *Pages) Routes() []page.Route {
	const read, change = accounts.Look, accounts.Act
	return []page.Route{
		page.Show(read, "/backups", "/backups", p.backupsView),
		page.Handle(change, "POST /backups", p.createBackup),
		page.Handle(change, "POST /backups/policy", p.setBackupPolicy),
		page.Handle(read, "GET /backups/policy", p.Panel.FormAddress),
		page.Handle(change, "GET /backups/{name}/file", p.downloadBackup),
		page.Handle(change, "POST /backups/{name}/verify", p.verifyBackup),
		page.Show(change, "/backups/{name}/delete", "/backups", p.deleteBackupView),
		page.Handle(change, "POST /backups/{name}/delete", p.deleteBackup),
	}
}
