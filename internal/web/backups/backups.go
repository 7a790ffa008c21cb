package backups

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// backupsFound is what the page of backups shows.
type backupsFound struct {
	All     []left4me.Backup
	Active  []left4me.Job
	Form    policyForm
	Command string // that restores the newest
}

func (p *Pages) backupsFound(ctx context.Context) (v backupsFound, err error) {
	if v.All, err = p.Backups.List(ctx); err != nil {
		return v, err
	}
	if v.Active, err = p.Backups.Active(ctx); err != nil {
		return v, err
	}
	policy, err := p.Backups.Policy(ctx)
	v.Form = policyFormOf(policy)
	file := path.Join(p.Backups.Dir(), "NAME.tar.zst")
	for _, b := range v.All {
		if b.State != left4me.BackupDamaged {
			file = path.Join(p.Backups.Dir(), backups.FileName(b.Name))
			break
		}
	}
	v.Command = p.restoreCommand(file)
	return v, err
}

// backupsView is the backups, and when they are made.
func (p *Pages) backupsView(r *http.Request, who accounts.Actor) (page.View, error) {
	v, err := p.backupsFound(r.Context())
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, "Backups", "backups")
	may := f.May(accounts.SiteRight, left4me.Site)
	f.Moving = len(v.Active) > 0
	on := []page.Topic{page.OnBackups(), page.OnEnds(left4me.CreateBackup.Noun())}
	work := []page.Topic{page.OnEnds(left4me.CreateBackup.Noun())}
	for _, j := range v.Active {
		work = append(work, page.OnJob(j.ID))
	}
	return page.View{Frame: f, At: "/backups", Body: []page.Piece{
		page.Fixed(backupsHead(may)), page.NewPart("backup-work", backupWork(v.Active), work...),
		page.NewPart("backups", backupTable(v.All, may), on...),
		page.Box("columns backups", p.Panel.Form(r, "policy", backupSchedule(v, may), page.OnBackups()),
			page.NewPart("backup-restore", backupRestore(v), on...)),
	}}, nil
}

func (p *Pages) createBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Backups.Create(r.Context(), who.Cause()); err != nil {
		return err
	}
	return page.Done(w, r, "/backups")
}

func (p *Pages) verifyBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if _, err := p.Backups.Verify(r.Context(), who.Cause(), name); err != nil {
		return err
	}
	return page.Done(w, r, "/backups")
}

func backupTone(s left4me.BackupState) string {
	switch s {
	case left4me.BackupVerified:
		return "good"
	case left4me.BackupDamaged:
		return "bad"
	}
	return "idle"
}

func backupIcon(s left4me.BackupState) string {
	switch s {
	case left4me.BackupVerified:
		return "check"
	case left4me.BackupDamaged:
		return "failed"
	}
	return "unknown"
}

// backupNote says who wanted it and when it was last read.
func backupNote(b left4me.Backup) string {
	by := "asked for"
	if b.Scheduled {
		by = "by the schedule"
	}
	if b.State == left4me.BackupUnchecked {
		return "put here, never read"
	}
	if b.VerifiedAt.IsZero() {
		return by
	}
	return fmt.Sprintf("%s, read %s", by, b.VerifiedAt.UTC().Format(time.DateOnly))
}
