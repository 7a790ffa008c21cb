package agent

import (
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// SteamCMD installs the game a second time if Steam refuses the Linux build.
func TestRepeatedSteamCMDStepStartsOver(t *testing.T) {
	p := job.Quiet("")
	p.Plan(steamSteps...)
	f := installProgress{p: p}
	at := time.Unix(1764000000, 0).UTC()
	tell := func(step string, done int64) {
		at = at.Add(time.Second)
		f.applyLine(install.Line{At: at, Step: step})
		if done > 0 {
			f.applyLine(install.Line{At: at, Progress: &left4me.Progress{Done: done, Total: 100, Unit: "bytes"}})
		}
	}
	for _, step := range steamSteps {
		tell(step, 100)
	}
	tell(left4me.StepLogIn, 0)
	f.applyLine(install.Line{Note: left4me.NewNote("steamcmd.next_pass", "platform", "linux")})
	steps := p.Steps()
	for i, want := range []left4me.StepState{
		left4me.StepDone, left4me.StepRunning, left4me.StepPending, left4me.StepPending,
		left4me.StepPending,
	} {
		if steps[i].State != want {
			t.Errorf("%s is %s, want %s", steps[i].Label, steps[i].State, want)
		}
	}
	if s := steps[1]; s.Progress != (left4me.Progress{}) || s.StartedAt != at || !s.EndedAt.IsZero() || s.Note != "next pass, for linux" {
		t.Errorf("got %+v", s)
	}
	tell(left4me.StepVerifyFiles, 0)
	tell(left4me.StepDownload, 10)
	steps = p.Steps()
	for i := range 2 {
		if steps[i+1].EndedAt != steps[i+2].StartedAt {
			t.Errorf("%s ended at %s, but %s started at %s", steps[i+1].Label, steps[i+1].EndedAt, steps[i+2].Label, steps[i+2].StartedAt)
		}
	}
	if s := steps[3]; s.State != left4me.StepRunning || s.Progress.Done != 10 || f.left != 90 {
		t.Errorf("%+v, %d bytes left", s, f.left)
	}
}
