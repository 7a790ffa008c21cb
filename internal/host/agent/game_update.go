package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/steam"
)

// What SteamCMD's steps are, in the order in which they come each time that it
// installs.
var steamSteps = []string{left4me.StepFindSteamCMD, left4me.StepLogIn, left4me.StepVerifyFiles, left4me.StepDownload, left4me.StepCommit}

const (
	gameApp = 550 // that UpToDateCheck knows: the game, not its server

	endInstallWithin = 5 * time.Second
	beginWithin      = 30 * time.Second
	checkWithin      = 15 * time.Minute

	// keptName marks what was downloaded before the line to Steam broke: the next
	// job goes on there.
	keptName = "kept"
)

// resumable are the failures after which what was downloaded is worth keeping.
var resumable = []steamcmd.Cause{steamcmd.Offline, steamcmd.Hung, steamcmd.TooLong, steamcmd.Pending, steamcmd.NoAppInfo}

// updateGame has SteamCMD write over the current build, and publishes what came
// of it. It may be begun again at any point.
func (a *Agent) updateGame(ctx context.Context, m bus.JobMessage, p *progress) error {
	p.plan(slices.Concat([]string{left4me.StepCheckSpace, left4me.StepStage}, steamSteps,
		[]string{left4me.StepJudge, left4me.StepPublish, left4me.StepLinkSDK, left4me.StepDropOldLayers})...)
	b, err := a.game.Adopt()
	if err != nil {
		return err
	}
	var result *install.Result
	if b.Pinned {
		err = left4me.Errorf(left4me.Conflict, "build %d is pinned", b.Current).
			WithHint("let it go first: Steam only gives the newest build")
	} else if result, err = a.runSteamCMD(ctx, install.Request{ID: m.ID, Validate: m.Kind == left4me.VerifyGame}, p); err == nil {
		err = a.publish(ctx, result.Build, p)
	}
	if leaves(ctx) {
		return err // the successor goes on
	}
	err = errors.Join(err, a.finishInstall(ctx, err))
	if err != nil {
		return err
	}
	err = p.step(ctx, left4me.StepLinkSDK, func(context.Context) (string, error) { return a.linkSDK(), nil })
	if err != nil {
		return err
	}
	return a.stepDrop(ctx, p)
}

// leaves reports whether left4me ends, and not only the job.
func leaves(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errCancelled)
}

// finishInstall leaves nothing of a job behind, however it ended: err.
func (a *Agent) finishInstall(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endInstallWithin)
	defer cancel()
	if err := a.installer.StopInstall(ctx); err != nil {
		return err
	}
	var c steamcmd.Cause
	if errors.As(err, &c) && slices.Contains(resumable, c) {
		err = a.Files.WriteInstall(keptName, nil)
	} else {
		err = a.Files.DiscardInstall()
	}
	return errors.Join(err, a.removeRequest())
}

func (a *Agent) removeRequest() error {
	err := os.Remove(filepath.Join(a.Files.Instance(left4me.InstallInstance), install.RequestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// runSteamCMD has a request worked on, from the beginning or from where it is,
// and returns how it ended when it ended well.
func (a *Agent) runSteamCMD(ctx context.Context, r install.Request, p *progress) (*install.Result, error) {
	r.SteamCMD, r.SteamCMDURL = a.Steam.Tool, a.Steam.URL
	if old, err := install.ReadRequest(a.Files.Root); err == nil && old.ID == r.ID {
		result, err := a.followInstall(ctx, r, p)
		if err == nil || !errors.Is(err, errNoWord) {
			p.skip("it was begun before left4me was started anew", left4me.StepCheckSpace, left4me.StepStage)
			return result, err
		}
	}
	err := p.step(ctx, left4me.StepCheckSpace, func(context.Context) (string, error) {
		free, margin, err := a.space()
		if err == nil && free < margin {
			err = a.full(margin)
		}
		return megabytes(free) + " free", err
	})
	if err == nil {
		err = p.step(ctx, left4me.StepStage, func(ctx context.Context) (string, error) { return a.stage(ctx, r) })
	}
	if err != nil {
		return nil, err
	}
	return a.followInstall(ctx, r, p)
}

// stage makes the overlay that SteamCMD writes to, and starts it.
func (a *Agent) stage(ctx context.Context, r install.Request) (note string, err error) {
	ctx, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	if err := a.installer.StopInstall(ctx); err != nil { // of another job
		return "", err
	}
	b, err := a.game.Builds()
	if err != nil {
		return "", err
	}
	var layers []string
	note = "for a first installation"
	if now, ok := b.Get(b.Current); ok {
		note = fmt.Sprintf("over build %d", now.Build)
		for _, l := range now.Layers {
			layers = append(layers, "installation/"+l)
		}
	}
	if a.kept(layers) {
		note += "; it goes on with what was downloaded before"
	} else if err := a.Files.DiscardInstall(); err != nil {
		return "", err
	}
	// SteamCMD could have left a directory there, with something in it.
	if err := os.RemoveAll(install.ProgressFile(a.Files.Root)); err != nil {
		return "", err
	}
	text, err := r.Append(nil)
	if err == nil {
		err = a.Files.PrepareInstall(layers)
	}
	if err == nil {
		err = a.Files.WriteInstall(install.RequestName, text)
	}
	if err == nil {
		err = a.installer.StartInstall(ctx)
	}
	return note, err
}

// kept reports whether a download of an earlier job over the same layers is there
// to go on with. The mark counts once.
func (a *Agent) kept(layers []string) bool {
	mark := filepath.Join(a.Files.Instance(left4me.InstallInstance), keptName)
	if os.Remove(mark) != nil {
		return false
	}
	env, err := a.Files.ReadEnv(left4me.InstallInstance)
	if len(layers) == 0 {
		return err == nil && len(env.Lowerdirs) == 1 && filepath.Base(env.Lowerdirs[0]) == "empty"
	}
	return err == nil && slices.Equal(env.Lowerdirs, layers)
}

var errNoWord = errors.New("it ended without a word")

// followInstall tells what the program tells until it has ended. errNoWord is in
// the error of one that said nothing of its end.
func (a *Agent) followInstall(ctx context.Context, r install.Request, p *progress) (*install.Result, error) {
	f := installed{agent: a, p: p}
	result, err := install.Follow(ctx, install.ProgressFile(a.Files.Root), f.alive, f.told)
	switch {
	case err != nil:
		f.end(now(), err)
		return nil, err
	case f.full != nil:
		err = f.full
	case result == nil:
		err = &left4me.Error{Kind: left4me.Unavailable, Text: "what ran SteamCMD was ended", Hint: "try again", Err: errNoWord}
		if f.why != "" {
			err = &left4me.Error{
				Kind: left4me.Unavailable,
				Text: "what ran SteamCMD was ended: " + f.why,
				Hint: "try again",
				Err:  errNoWord,
			}
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

// installed is what is known of a program that installs while it is followed.
type installed struct {
	agent *Agent
	p     *progress
	step  string // that runs
	left  int64  // bytes that will be written yet
	why   string // it ended
	full  error  // it was ended, since it would have filled the disk
}

// alive looks whether it runs, and ends it before the margin of the disk is
// gone: servers write there too.
func (f *installed) alive(ctx context.Context) (runs bool, err error) {
	runs, f.why, err = f.agent.installer.Installing(ctx)
	if err != nil || !runs || f.full != nil {
		return runs, err
	}
	free, margin, err := f.agent.space()
	if err != nil || free >= margin && free-f.left >= margin/2 {
		return runs, err
	}
	f.full = f.agent.full(max(margin, f.left+margin/2))
	ctx, cancel := context.WithTimeout(ctx, endInstallWithin)
	defer cancel()
	return false, f.agent.installer.StopInstall(ctx)
}

// told takes one line.
func (f *installed) told(l install.Line) {
	if l.Log != "" {
		f.p.print(l.Log)
	}
	if l.Step != "" && l.Step != f.step {
		f.end(l.At, nil)
		f.begin(l.Step, l.At)
	}
	if l.Note != "" {
		f.p.set(f.step, func(s *left4me.Step) { s.Note = l.Note })
	}
	if l.Progress != nil {
		if f.step == left4me.StepDownload && l.Progress.Unit == "bytes" {
			f.left = max(0, l.Progress.Total-l.Progress.Done)
		}
		f.p.set(f.step, func(s *left4me.Step) { s.Progress = *l.Progress })
	}
}

// begin begins a step. One that comes again, because what helps is to install
// twice, begins anew, and what follows it has still to come.
func (f *installed) begin(step string, at time.Time) {
	f.step, f.left = step, 0
	if i := slices.Index(steamSteps, step); i >= 0 {
		for _, later := range steamSteps[i+1:] {
			f.p.set(later, func(s *left4me.Step) { s.State, s.EndedAt = left4me.StepPending, time.Time{} })
		}
	}
	f.p.set(step, func(s *left4me.Step) {
		*s = left4me.Step{Label: step, State: left4me.StepRunning, StartedAt: at, Note: s.Note}
	})
}

// end ends the step that runs.
func (f *installed) end(at time.Time, err error) {
	if f.step == "" {
		return
	}
	f.p.set(f.step, func(s *left4me.Step) {
		s.State, s.EndedAt = left4me.StepDone, at
		if err != nil {
			s.State = left4me.StepFailed
		}
	})
	f.step = ""
}

// publish makes a build of what SteamCMD wrote, when it wrote anything.
func (a *Agent) publish(ctx context.Context, build int64, p *progress) error {
	for _, s := range p.snapshot() {
		if slices.Contains(steamSteps, s.Label) && s.State == left4me.StepPending {
			why := "there was nothing to do"
			if !s.StartedAt.IsZero() {
				why = "done before; there was nothing left to do"
			}
			p.skip(why, s.Label)
		}
	}
	upper := a.Files.Upper(left4me.InstallInstance)
	b, err := a.game.Builds()
	if err != nil {
		return err
	}
	same := b.Current == build
	err = p.step(ctx, left4me.StepJudge, func(ctx context.Context) (string, error) {
		if _, err := os.Lstat(upper); errors.Is(err, fs.ErrNotExist) {
			return fmt.Sprintf("build %d", build), nil // published, or moved for it, before a kill
		}
		judged, err := a.game.Judge(upper)
		if err != nil {
			return "", err
		}
		if judged != build {
			return "", left4me.Errorf(left4me.Unavailable,
				"SteamCMD said that it installed build %d, but there is %d", build, judged).WithHint("run left4me game verify")
		}
		c, err := a.game.Compare(ctx, upper)
		same = same && c.Files == 0
		return fmt.Sprintf("build %d, %d files changed, %s", build, c.Files, megabytes(c.Bytes)), err
	})
	if err != nil {
		return err
	}
	if same {
		p.skip(fmt.Sprintf("up to date: build %d", build), left4me.StepPublish)
		return nil
	}
	return p.step(ctx, left4me.StepPublish, func(ctx context.Context) (string, error) {
		b, err := a.game.Publish(ctx, upper, build, now())
		if err != nil {
			return "", err
		}
		x, _ := b.Get(build)
		return fmt.Sprintf("servers start with build %d from now on; its layer takes %s", build, megabytes(x.Bytes)), nil
	})
}

// checkGame asks Steam for the newest build. Steam may not say: then that is what
// is kept, and not that there is none.
func (a *Agent) checkGame(ctx context.Context, m bus.JobMessage, p *progress) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	err := p.step(ctx, left4me.StepAskSteam, func(ctx context.Context) (string, error) {
		b, err := a.game.Builds()
		if err != nil {
			return "", err
		}
		x, _ := b.Get(b.Current)
		required, note := a.required(ctx, x.Version, p)
		var latest int64
		if _, err := steamcmd.Find(a.Steam.Tool, string(a.Files.Root)); err == nil {
			quiet := &progress{agent: a, id: p.id, mute: true} // its steps are not ours
			result, err := a.runSteamCMD(ctx, install.Request{ID: m.ID, Latest: true}, quiet)
			for _, line := range quiet.printed() {
				p.print(line)
			}
			if err != nil {
				a.log.Warn("ask for the newest build", "job", m.ID, "err", err)
				note += "; the newest build is not known: " + left4me.Shown(err, inLog(m.ID)).Error()
			} else {
				latest = result.Latest
				note += fmt.Sprintf("; the newest build is %d", latest)
			}
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		b, err = a.game.Checked(latest, required, note, now())
		if err == nil && b.Outdated() {
			note += ": the game here is outdated"
		}
		return note, err
	})
	if leaves(ctx) {
		return err
	}
	return errors.Join(err, a.finishInstall(ctx, err))
}

// required asks Steam which version servers must have, and says what came of it:
// a note for people; the job's log has an error as it was.
func (a *Agent) required(ctx context.Context, have string, p *progress) (version, note string) {
	number, ok := steam.Version{Patch: have}.Number()
	if !ok {
		return "", "the version that is here is not known"
	}
	c := steam.Client{Base: a.Steam.API}
	switch u, err := c.UpToDateCheck(ctx, gameApp, number); {
	case errors.Is(err, steam.ErrUnsupported):
		p.print(err.Error())
		return "", "Steam does not say which version it requires"
	case err != nil:
		p.print(err.Error())
		return "", "Steam could not be asked: " + unasked(err).Error()
	case u.UpToDate:
		return fmt.Sprint(number), "Steam says that version " + have + " is up to date"
	case u.Required > 0:
		return fmt.Sprint(u.Required), fmt.Sprintf("Steam requires version %d", u.Required)
	}
	return "a newer one", "Steam says that version " + have + " is outdated"
}

// space is what is free where the game is, and the margin that must stay so.
func (a *Agent) space() (free, margin int64, err error) {
	return disk.Room(string(a.Files.Root))
}

func (a *Agent) full(need int64) error {
	return disk.Full(string(a.Files.Root), need, steamcmd.DiskFull)
}

func megabytes(n int64) string {
	switch {
	case n >= 10_000_000_000:
		return fmt.Sprintf("%.0f GB", float64(n)/1e9)
	case n >= 1_000_000_000:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 10_000_000:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	case n >= 100_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}
