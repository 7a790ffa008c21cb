package jobs

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// jobView returns the page of a job, which follows the job's progress.
func (p *Pages) jobView(r *http.Request, who accounts.Actor, j left4me.Job) (page.View, error) {
	j = For(who, j)
	f := p.Panel.Frame(r, who, Name(r.Context(), j), "jobs")
	f.Moving = !j.State.Ended()
	return page.View{
		Frame: f,
		Body:  []page.Piece{page.Fixed(jobCrumbs(j)), page.NewPart("job", jobDetail(j, MayAct(who, j), time.Now()), page.OnJob(j.ID))},
	}, nil
}

// targetPath returns the address of the page of a job's target.
func targetPath(j left4me.Job) templ.SafeURL {
	switch j.Kind.Noun() {
	case left4me.CreateBackup.Noun():
		return "/backups"
	case left4me.InstallGame.Noun():
		return "/game"
	case left4me.BuildOverlay.Noun():
		return templ.SafeURL(page.OverlayPath(j.Target))
	case left4me.CollectContent.Noun():
		return "/overlays"
	}
	return templ.SafeURL("/servers/" + string(j.Target))
}

// jobWarning returns the first warning of a job's steps, or an empty string.
func jobWarning(ctx context.Context, j left4me.Job) string {
	for _, s := range j.Steps {
		if s.Warning != "" {
			return format.StepWarning(ctx, s)
		}
	}
	return ""
}
