package backups

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// policyForm holds the values of the schedule's form, as submitted or as stored.
type policyForm struct {
	Enabled           bool
	At, Daily, Weekly string
	Problems          map[string]string
}

func policyFormOf(p left4me.BackupPolicy) policyForm {
	return policyForm{Enabled: p.Enabled, At: p.At, Daily: strconv.Itoa(p.Daily), Weekly: strconv.Itoa(p.Weekly)}
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
			typed = append(typed, left4me.NewError(left4me.Invalid, "number.invalid").InField(f.field))
		}
		*f.to = n
	}
	var err error
	if len(typed) > 0 {
		err = page.JoinMistakes(typed, backups.Check(policy))
	} else {
		err = p.Backups.SetPolicy(r.Context(), who.Cause(), policy)
	}
	if err == nil {
		return page.Done(w, r, "/backups")
	}
	var ok bool
	if form.Problems, ok = page.ProblemsOf(r.Context(), who, err); !ok {
		return err
	}
	v, err := p.backupsView(r, who)
	if err != nil {
		return err
	}
	v.Form("policy").Typed = backupSchedule(backupsFound{Form: form}, v.Frame.May(accounts.SiteRight, left4me.Site))
	return p.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
}
