package backups

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// deleteBackupView returns the page that asks for confirmation before a backup is deleted.
func (p *Pages) deleteBackupView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	return p.deleteBackupWith(r, who, name, "", "")
}

func (p *Pages) deleteBackupWith(r *http.Request, who accounts.Actor, name left4me.Name, typed, problem string) (page.View, error) {
	b, err := p.Backups.Get(r.Context(), name)
	if err != nil {
		return page.View{}, err
	}
	return page.View{Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "backups.delete.submit"), "backups"), Body: []page.Piece{
		p.Panel.Form(r, "delete", backupDelete(b, "", ""), page.OnBackups(), page.OnEnds(left4me.CreateBackup.Noun())).
			As(backupDelete(b, typed, problem)),
	}}, nil
}

// deleteBackup deletes a backup if the submitted confirmation is the backup's name.
func (p *Pages) deleteBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	b, err := p.Backups.Get(r.Context(), name)
	if err != nil {
		return err
	}
	if typed := r.PostForm.Get("confirm"); typed != string(b.Name) {
		v, err := p.deleteBackupWith(r, who, name, typed, locale.T(r.Context(), "common.confirm.mismatch", "name", b.Name))
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
	}
	if err := p.Backups.Delete(r.Context(), who.Cause(), b.Name); err != nil {
		return err
	}
	http.Redirect(w, r, "/backups", http.StatusSeeOther)
	return nil
}
