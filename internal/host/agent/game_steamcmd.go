package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// runSteamCMD starts an installation, or follows one already in progress for the same job, and
// returns its result if it succeeded.
func (g *gameUpdates) runSteamCMD(ctx context.Context, r install.Request, p *job.Progress) (*install.Result, error) {
	r.SteamCMD, r.SteamCMDURL = g.core.Steam.Tool, g.core.Steam.URL
	if old, err := install.ReadRequest(g.core.Files.Root); err == nil && old.ID == r.ID {
		result, err := g.follow(ctx, r, p)
		if err == nil || !errors.Is(err, errNoResult) {
			p.Skip(left4me.NewNote("step.done_before_restart"), left4me.StepCheckSpace, left4me.StepStage)
			return result, err
		}
	}
	err := p.Step(ctx, left4me.StepCheckSpace, func(context.Context) (left4me.Notes, error) {
		free, margin, err := g.space()
		if err == nil && free < margin {
			err = g.full(margin)
		}
		return left4me.Notes{left4me.NewNote("disk.free", "size", left4me.Bytes(free))}, err
	})
	if err == nil {
		err = p.Step(ctx, left4me.StepStage, func(ctx context.Context) (left4me.Notes, error) { return g.stage(ctx, r) })
	}
	if err != nil {
		return nil, err
	}
	return g.follow(ctx, r, p)
}

// stage prepares the overlay that SteamCMD writes to, and starts the installation.
func (g *gameUpdates) stage(ctx context.Context, r install.Request) (notes left4me.Notes, err error) {
	ctx, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	if err := g.core.machine.StopInstall(ctx); err != nil { // it may belong to another job
		return nil, err
	}
	b, err := g.installation.Builds()
	if err != nil {
		return nil, err
	}
	var layers []string
	note := left4me.NewNote("game.first_installation")
	if now, ok := b.Get(b.Current); ok {
		note = left4me.NewNote("game.update_of_build", "build", now.Build)
		for _, l := range now.Layers {
			layers = append(layers, "installation/"+l)
		}
	}
	notes = left4me.Notes{note}
	if g.resumes(layers) {
		notes = append(notes, left4me.NewNote("game.download_resumed"))
	} else if err := g.core.Files.DiscardInstall(); err != nil {
		return nil, err
	}
	// SteamCMD may have created a non-empty directory at this path.
	if err := os.RemoveAll(install.ProgressFile(g.core.Files.Root)); err != nil {
		return nil, err
	}
	text, err := r.Append(nil)
	if err == nil {
		err = g.core.Files.PrepareInstall(layers)
	}
	if err == nil {
		err = g.core.Files.WriteInstall(install.RequestName, text)
	}
	if err == nil {
		err = g.core.machine.StartInstall(ctx)
	}
	return notes, err
}

// resumes reports whether the partial download of an earlier job can be continued, which requires
// the same layers. It removes the mark, so a partial download is continued only once.
func (g *gameUpdates) resumes(layers []string) bool {
	mark := filepath.Join(g.core.Files.Root.Instance(left4me.InstallInstance), partialDownloadName)
	if os.Remove(mark) != nil {
		return false
	}
	env, err := g.core.Files.Root.ReadEnv(left4me.InstallInstance)
	if len(layers) == 0 {
		return err == nil && len(env.Lowerdirs) == 1 && filepath.Base(env.Lowerdirs[0]) == "empty"
	}
	return err == nil && slices.Equal(env.Lowerdirs, layers)
}

var errNoResult = errors.New("it ended without a result")

// follow publishes the progress of the installation until it has ended. The error wraps errNoResult
// if the installation ended without reporting a result.
func (g *gameUpdates) follow(ctx context.Context, r install.Request, p *job.Progress) (*install.Result, error) {
	f := installProgress{updates: g, p: p}
	result, err := install.Follow(ctx, install.ProgressFile(g.core.Files.Root), f.alive, f.applyLine)
	switch {
	case err != nil:
		f.end(now(), err)
		return nil, err
	case f.full != nil:
		err = f.full
	case result == nil:
		err = left4me.NewError(left4me.Unavailable, "steamcmd.runner_ended").Because(errNoResult)
		if f.why != nil {
			err = left4me.NewError(left4me.Unavailable, "steamcmd.runner_ended_because", "reason", f.why).Because(errNoResult)
		}
	case result.Error != nil:
		e := *result.Error
		e.Err = steamcmd.Cause(result.Cause)
		err = &e
	}
	f.end(now(), err)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// installProgress is the state of an installation that is being followed.
type installProgress struct {
	updates *gameUpdates
	p       *job.Progress
	step    string         // the running step
	left    int64          // bytes still to be written
	why     *left4me.Error // why the process ended
	full    error          // set if the process was stopped because the disk would have become full
}

// alive reports whether the installation runs. It stops the installation before it uses up the
// free-space margin, because servers write to the same disk.
func (f *installProgress) alive(ctx context.Context) (runs bool, err error) {
	runs, f.why, err = f.updates.core.machine.Installing(ctx)
	if err != nil || !runs || f.full != nil {
		return runs, err
	}
	free, margin, err := f.updates.space()
	if err != nil || free >= margin && free-f.left >= margin/2 {
		return runs, err
	}
	f.full = f.updates.full(max(margin, f.left+margin/2))
	ctx, cancel := context.WithTimeout(ctx, endInstallWithin)
	defer cancel()
	return false, f.updates.core.machine.StopInstall(ctx)
}

// applyLine applies one line of the progress file.
func (f *installProgress) applyLine(l install.Line) {
	if l.Log != "" {
		f.p.Print(l.Log)
	}
	if l.Step != "" && l.Step != f.step {
		f.end(l.At, nil)
		f.begin(l.Step, l.At)
	}
	if !l.Note.IsZero() {
		f.p.Set(f.step, func(s *left4me.Step) { s.SetNotes(l.Note) })
	}
	if l.Progress != nil {
		if f.step == left4me.StepDownload && l.Progress.Unit == "bytes" {
			f.left = max(0, l.Progress.Total-l.Progress.Done)
		}
		f.p.Set(f.step, func(s *left4me.Step) { s.Progress = *l.Progress })
	}
}

// begin starts a step. SteamCMD sometimes needs a second pass: a repeated step starts over, and the
// steps after it become pending again.
func (f *installProgress) begin(step string, at time.Time) {
	f.step, f.left = step, 0
	if i := slices.Index(steamSteps, step); i >= 0 {
		for _, later := range steamSteps[i+1:] {
			f.p.Set(later, func(s *left4me.Step) { s.State, s.EndedAt = left4me.StepPending, time.Time{} })
		}
	}
	f.p.Set(step, func(s *left4me.Step) {
		*s = left4me.Step{Label: step, State: left4me.StepRunning, StartedAt: at, Note: s.Note, Notes: s.Notes}
	})
}

// end ends the running step, if any.
func (f *installProgress) end(at time.Time, err error) {
	if f.step == "" {
		return
	}
	f.p.Set(f.step, func(s *left4me.Step) {
		s.State, s.EndedAt = left4me.StepDone, at
		if err != nil {
			s.State = left4me.StepFailed
		}
	})
	f.step = ""
}
