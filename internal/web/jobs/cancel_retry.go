package jobs

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

func (p *Pages) cancelJob(w http.ResponseWriter, r *http.Request, _ accounts.Actor, j left4me.Job) error {
	if _, err := p.Jobs.Cancel(r.Context(), j.ID); err != nil {
		return err
	}
	return page.Done(w, r, "/jobs/"+string(j.ID))
}

// retryJob asks for the same again, which is another job.
func (p *Pages) retryJob(w http.ResponseWriter, r *http.Request, who accounts.Actor, j left4me.Job) error {
	from, takes, err := p.Overlays.Promoted(r.Context(), j.ID)
	if err == nil && takes {
		err = accounts.Allow(who, accounts.Content, from)
	}
	if err != nil {
		return err
	}
	again, err := p.Jobs.Retry(r.Context(), who.Cause(), j.ID)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(again.ID), http.StatusSeeOther)
	return nil
}

// MayAct says whether somebody may cancel and retry a job.
func MayAct(who accounts.Actor, j left4me.Job) page.Permission {
	return page.May(who, rightOn(j), accounts.JobTarget(j))
}

// rightOn is the right that cancelling and retrying a job needs.
func rightOn(j left4me.Job) accounts.Right { return accounts.JobRight(j.Kind) }
