package backups

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
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

// policyForm is the form of the schedule as it was sent, or as it is.
type policyForm struct {
	Enabled           bool
	At, Daily, Weekly string
	Problems          map[string]string
}

func policyFormOf(p left4me.BackupPolicy) policyForm {
	return policyForm{Enabled: p.Enabled, At: p.At, Daily: strconv.Itoa(p.Daily), Weekly: strconv.Itoa(p.Weekly)}
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

// restoreCommand is what root types on the host to restore a backup; without systemd
// it is left4me's user who does, and ends and starts serve in between.
func (p *Pages) restoreCommand(file string) string {
	restore := "left4me backup restore " + left4me.ShellWord(file) + " --force"
	if p.Units {
		return "systemctl stop left4me 'left4me-server@*'\n" + restore + "\nsystemctl start left4me"
	}
	return "left4me server stop --all --wait\n# end left4me serve\n" + restore + "\nleft4me serve"
}

// backupsView is the backups, and when they are made.
func (p *Pages) backupsView(r *http.Request, who accounts.Actor) (page.View, error) {
	v, err := p.backupsFound(r.Context())
	if err != nil {
		return page.View{}, err
	}
	f := p.Panel.Frame(r, who, "Backups", "backups")
	f.Moving = len(v.Active) > 0
	on := []page.Topic{page.OnBackups(), page.OnEnds(left4me.CreateBackup.Noun())}
	work := []page.Topic{page.OnEnds(left4me.CreateBackup.Noun())}
	for _, j := range v.Active {
		work = append(work, page.OnJob(j.ID))
	}
	return page.View{Frame: f, At: "/backups", Body: []page.Piece{
		page.Fixed(backupsHead(f.May)), page.NewPart("backup-work", backupWork(v.Active), work...),
		page.NewPart("backups", backupTable(v.All, f.May), on...),
		page.Box("columns backups", p.Panel.Form(r, "policy", backupSchedule(v, f.May), page.OnBackups()),
			page.NewPart("backup-restore", backupRestore(v), on...)),
	}}, nil
}

func (p *Pages) createBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Backups.Create(r.Context(), who.Name); err != nil {
		return err
	}
	return page.Done(w, r, "/backups")
}

func (p *Pages) verifyBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	n, err := page.PathName(r)
	if err != nil {
		return err
	}
	if _, err := p.Backups.Verify(r.Context(), who.Name, n); err != nil {
		return err
	}
	return page.Done(w, r, "/backups")
}

func (p *Pages) setBackupPolicy(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	get := r.PostForm.Get
	form := policyForm{Enabled: get("enabled") != "", At: get("at"), Daily: get("daily"), Weekly: get("weekly")}
	policy := left4me.BackupPolicy{Enabled: form.Enabled, At: form.At}
	var typed left4me.Fields
	for _, f := range []struct {
		field string
		to    *int
	}{{"daily", &policy.Daily}, {"weekly", &policy.Weekly}} {
		n, err := strconv.Atoi(strings.TrimSpace(get(f.field)))
		if err != nil {
			typed = append(typed, &left4me.Error{Kind: left4me.Invalid, Field: f.field, Text: "that is not a number"})
		}
		*f.to = n
	}
	var err error
	if len(typed) > 0 {
		err = page.JoinMistakes(typed, backups.Check(policy))
	} else {
		err = p.Backups.SetPolicy(r.Context(), who.Name, policy)
	}
	if err == nil {
		return page.Done(w, r, "/backups")
	}
	var ok bool
	if form.Problems, ok = page.ProblemsOf(err); !ok {
		return err
	}
	v, err := p.backupsView(r, who)
	if err != nil {
		return err
	}
	v.Form("policy").Typed = backupSchedule(backupsFound{Form: form}, v.May)
	return p.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
}

func (p *Pages) downloadBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	n, err := page.PathName(r)
	if err != nil {
		return err
	}
	f, b, err := p.Backups.Open(r.Context(), n)
	if err != nil {
		return err
	}
	defer f.Close()
	p.Panel.Log.Info("backup downloaded", "backup", n, "by", who.Name)
	page.Attachment(w, "application/zstd", backups.FileName(n))
	p.Panel.WhileSignedIn(w, r, func(r *http.Request) { http.ServeContent(w, r, "", b.CreatedAt, f) })
	return nil
}

// deleteBackupView asks before a backup is deleted.
func (p *Pages) deleteBackupView(r *http.Request, who accounts.Actor) (page.View, error) {
	return p.deleteBackupWith(r, who, "", "")
}

func (p *Pages) deleteBackupWith(r *http.Request, who accounts.Actor, typed, problem string) (page.View, error) {
	b, err := p.backup(r)
	if err != nil {
		return page.View{}, err
	}
	return page.View{Frame: p.Panel.Frame(r, who, "Delete a backup", "backups"), Body: []page.Piece{
		p.Panel.Form(r, "delete", backupDelete(b, "", ""), page.OnBackups(), page.OnEnds(left4me.CreateBackup.Noun())).
			As(backupDelete(b, typed, problem)),
	}}, nil
}

func (p *Pages) backup(r *http.Request) (left4me.Backup, error) {
	n, err := page.PathName(r)
	if err != nil {
		return left4me.Backup{}, err
	}
	return p.Backups.Get(r.Context(), n)
}

// deleteBackup does it when the name was typed as it is.
func (p *Pages) deleteBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	b, err := p.backup(r)
	if err != nil {
		return err
	}
	if typed := r.PostForm.Get("confirm"); typed != string(b.Name) {
		v, err := p.deleteBackupWith(r, who, typed, "That is not the name. Type "+string(b.Name)+" to go on.")
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
	}
	if err := p.Backups.Delete(r.Context(), who.Name, b.Name); err != nil {
		return err
	}
	http.Redirect(w, r, "/backups", http.StatusSeeOther)
	return nil
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
