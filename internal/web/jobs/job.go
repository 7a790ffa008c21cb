package jobs

import (
	"context"
	"errors"
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
		Body: []page.Piece{
			page.Fixed(jobCrumbs(j)), page.LazyPart("job-restore", p.restorable(who, j), page.OnJob(j.ID), page.OnDeletedServers()),
			page.NewPart("job", jobDetail(j, MayAct(who, j), time.Now()), page.OnJob(j.ID)),
		},
	}, nil
}

// restorable returns a note on the server that a job has deleted, as long as it can be restored.
func (p *Pages) restorable(who accounts.Actor, j left4me.Job) func(context.Context) (templ.Component, error) {
	return func(ctx context.Context) (templ.Component, error) {
		if j.Kind != left4me.DeleteServer || j.TargetID == "" {
			return jobRestore("", time.Time{}), nil
		}
		v, err := p.Panel.Servers.Deleted().Get(ctx, j.TargetID)
		if errors.Is(err, left4me.NotFound) || err == nil && !page.Sees(who, v.Target()) {
			return jobRestore("", time.Time{}), nil
		}
		return jobRestore(v.Name, v.GoneAt), err
	}
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
