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

// retryJob adds a new job that does the same as j, and shows the new job. Retrying a job that
// promoted files also requires the right on the server that the files came from.
func (p *Pages) retryJob(w http.ResponseWriter, r *http.Request, who accounts.Actor, j left4me.Job) error {
	from, promotes, err := p.Overlays.Promoted(r.Context(), j.ID)
	if err == nil && promotes {
		err = accounts.Allow(who, accounts.Content, from)
	}
	if err != nil {
		return err
	}
	next, err := p.Jobs.Retry(r.Context(), who.Cause(), j.ID)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(next.ID), http.StatusSeeOther)
	return nil
}

// MayAct returns the actor's permission to cancel and retry a job.
func MayAct(who accounts.Actor, j left4me.Job) page.Permission {
	return page.May(who, rightOn(j), accounts.JobTarget(j))
}

// rightOn returns the right that cancelling or retrying a job requires.
func rightOn(j left4me.Job) accounts.Right { return accounts.JobRight(j.Kind) }
