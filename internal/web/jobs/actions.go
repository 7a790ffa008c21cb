package jobs

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

func (p *Pages) cancelJob(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	j, err := p.find(r)
	if err != nil {
		return err
	}
	if _, err := p.Jobs.Cancel(r.Context(), j.ID); err != nil {
		return err
	}
	return page.Done(w, r, "/jobs/"+string(j.ID))
}

// retryJob asks for the same again, which is another job.
func (p *Pages) retryJob(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	j, err := p.find(r)
	if err != nil {
		return err
	}
	again, err := p.Jobs.Retry(r.Context(), who.Name, j.ID)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(again.ID), http.StatusSeeOther)
	return nil
}
