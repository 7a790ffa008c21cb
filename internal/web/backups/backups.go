package backups

import (
	"context"
	"net/http"
	"path"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// backupsFound is the data of the page of backups.
type backupsFound struct {
	All     []left4me.Backup
	Active  []left4me.Job
	Form    policyForm
	Units   bool   // left4me runs as a systemd unit
	Command string // command that restores the newest intact backup
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
	v.Units, v.Command = p.Units, p.restoreCommand(ctx, file)
	return v, err
}

// backupsView returns the page with the list of backups and their schedule.
func (p *Pages) backupsView(r *http.Request, who accounts.Actor) (page.View, error) {
	v, err := p.backupsFound(r.Context())
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "page.menu.backups"), "backups")
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

// backupNote returns the origin of a backup and the date on which it was last verified.
func backupNote(ctx context.Context, b left4me.Backup) string {
	if b.State == left4me.BackupUnchecked {
		return locale.T(ctx, "backups.note.unchecked")
	}
	date := ""
	if !b.VerifiedAt.IsZero() {
		date = b.VerifiedAt.UTC().Format(time.DateOnly)
	}
	if b.Scheduled {
		return locale.T(ctx, "backups.note.scheduled", "date", date)
	}
	return locale.T(ctx, "backups.note.manual", "date", date)
}
