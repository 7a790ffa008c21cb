package jobs

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// jobView is a job as it moves on.
func (p *Pages) jobView(r *http.Request, who accounts.Actor, j left4me.Job) (page.View, error) {
	j = For(who, j)
	f := p.Panel.Frame(r, who, Name(j), "jobs")
	f.Moving = !j.State.Ended()
	return page.View{
		Frame: f,
		Body:  []page.Piece{page.Fixed(jobCrumbs(j)), page.NewPart("job", jobDetail(j, MayAct(who, j), time.Now()), page.OnJob(j.ID))},
	}, nil
}

// pace says how fast a step goes and how long it will take, when both can be
// known.
func pace(s left4me.Step, now time.Time) string {
	took := now.Sub(s.StartedAt)
	if s.State != left4me.StepRunning || s.Progress.Done <= 0 || s.StartedAt.IsZero() || took < time.Second {
		return ""
	}
	rate := float64(s.Progress.Rate) // of the last moments, where the host tells it
	if rate <= 0 {
		rate = float64(s.Progress.Done) / took.Seconds()
	}
	text := format.Amount(int64(rate), s.Progress.Unit) + "/s"
	if rest := s.Progress.Total - s.Progress.Done; rest > 0 {
		text += ", " + format.Span(time.Duration(float64(rest)/rate*float64(time.Second))) + " left"
	}
	return text
}

// targetPath is the page of what a job works on.
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

// verb says what a job is where its target stands beside it.
func verb(k left4me.JobKind) string {
	switch k {
	case left4me.CreateBackup:
		return "Back up"
	case left4me.VerifyBackup:
		return "Verify backup"
	case left4me.InstallGame, left4me.UpdateGame, left4me.VerifyGame:
		return Title(k) + " the game"
	case left4me.RollbackGame:
		return "Roll back the game"
	case left4me.FlattenGame:
		return "Merge builds of the game"
	case left4me.CheckGame:
		return "Check for a newer build"
	case left4me.BuildOverlay:
		return "Build overlay"
	case left4me.DeleteOverlay:
		return "Delete overlay"
	case left4me.RestoreOverlay:
		return "Take back overlay"
	case left4me.CollectContent:
		return "Tidy up content"
	case left4me.DiscardUpper:
		return "Drop written files"
	}
	return Title(k)
}

// Name says what a job does.
func Name(j left4me.Job) string {
	if j.Kind.Noun() == left4me.InstallGame.Noun() || j.Kind == left4me.CollectContent {
		return verb(j.Kind) + " on " + string(j.Target)
	}
	return verb(j.Kind) + " " + string(j.Target)
}

// took is how long something short took.
func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", max(d, 0).Milliseconds())
	}
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return format.Span(d)
}

// jobWarning is what people have to see to first after a job; empty when there is
// nothing.
func jobWarning(j left4me.Job) string {
	for _, s := range j.Steps {
		if s.Warning != "" {
			return s.Warning
		}
	}
	return ""
}

// CurrentStep is the step that a job is at.
func CurrentStep(j left4me.Job) string {
	for _, s := range j.Steps {
		if s.State == left4me.StepRunning {
			return format.Visible(s.Label)
		}
	}
	return ""
}

// Title says what a job is.
func Title(k left4me.JobKind) string {
	verb := k.Verb()
	if verb == "" {
		return string(k)
	}
	return strings.ToUpper(verb[:1]) + verb[1:]
}
