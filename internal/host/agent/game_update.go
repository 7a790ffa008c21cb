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
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/steam"
)

const (
	gameApp = 550 // the id of the game, not of its server: UpToDateCheck knows only this one

	endInstallWithin = 5 * time.Second
	beginWithin      = 30 * time.Second
	checkWithin      = 15 * time.Minute

	// partialDownloadName is the file that marks a partial download after the connection to Steam was lost.
	// The next job continues the download.
	partialDownloadName = "kept"
)

// steamSteps are the steps of a SteamCMD run, in order.
var steamSteps = []string{left4me.StepFindSteamCMD, left4me.StepLogIn, left4me.StepVerifyFiles, left4me.StepDownload, left4me.StepCommit}

// resumable lists the failures after which a partial download is kept.
var resumable = []steamcmd.Cause{steamcmd.Offline, steamcmd.Hung, steamcmd.TooLong, steamcmd.Pending, steamcmd.NoAppInfo}

// gameUpdates installs and updates the game with SteamCMD.
type gameUpdates struct {
	core         *core
	installation *game.Installation
	layers       *gameLayers
}

// update runs SteamCMD on top of the current build and publishes the result as a new build. It may
// be interrupted and repeated at any point.
func (g *gameUpdates) update(ctx context.Context, m bus.JobMessage, _ left4me.GameSpec, p *job.Progress) error {
	p.Plan(slices.Concat([]string{left4me.StepCheckSpace, left4me.StepStage}, steamSteps,
		[]string{left4me.StepJudge, left4me.StepPublish, left4me.StepLinkSDK, left4me.StepDropOldLayers})...)
	b, err := g.installation.Adopt()
	if err != nil {
		return err
	}
	var result *install.Result
	if b.Pinned {
		err = left4me.NewError(left4me.Conflict, "game.build_pinned", "build", b.Current)
	} else if result, err = g.runSteamCMD(ctx, install.Request{ID: m.ID, Validate: m.Kind == left4me.VerifyGame}, p); err == nil {
		err = g.publish(ctx, result.Build, p)
	}
	if job.Interrupted(ctx) {
		return err // the agent is ending; its successor resumes the job
	}
	err = errors.Join(err, g.finish(ctx, err))
	if err != nil {
		return err
	}
	err = p.Step(ctx, left4me.StepLinkSDK, func(ctx context.Context) (left4me.Notes, error) { return left4me.Notes{g.linkSDK(ctx)}, nil })
	if err != nil {
		return err
	}
	return g.layers.dropStep(ctx, p)
}

// finish stops the installation of a job that ended with err and removes its files, except a
// partial download that can be continued.
func (g *gameUpdates) finish(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endInstallWithin)
	defer cancel()
	if err := g.core.machine.StopInstall(ctx); err != nil {
		return err
	}
	var c steamcmd.Cause
	if errors.As(err, &c) && slices.Contains(resumable, c) {
		err = g.core.Files.WriteInstall(partialDownloadName, nil)
	} else {
		err = g.core.Files.DiscardInstall()
	}
	return errors.Join(err, g.removeRequest())
}

func (g *gameUpdates) removeRequest() error {
	err := os.Remove(filepath.Join(g.core.Files.Root.Instance(left4me.InstallInstance), install.RequestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// publish publishes what SteamCMD wrote as a build, unless nothing changed.
func (g *gameUpdates) publish(ctx context.Context, build int64, p *job.Progress) error {
	for _, s := range p.Steps() {
		if slices.Contains(steamSteps, s.Label) && s.State == left4me.StepPending {
			why := left4me.NewNote("step.nothing_to_do")
			if !s.StartedAt.IsZero() {
				why = left4me.NewNote("step.done_in_earlier_pass")
			}
			p.Skip(why, s.Label)
		}
	}
	upper := g.core.Files.Root.Upper(left4me.InstallInstance)
	b, err := g.installation.Builds()
	if err != nil {
		return err
	}
	same := b.Current == build
	err = p.Step(ctx, left4me.StepJudge, func(ctx context.Context) (left4me.Notes, error) {
		if _, err := os.Lstat(upper); errors.Is(err, fs.ErrNotExist) {
			// The job was killed after the layer was published or moved.
			return left4me.Notes{left4me.NewNote("game.build", "build", build)}, nil
		}
		judged, err := g.installation.Judge(upper)
		if err != nil {
			return nil, err
		}
		if judged != build {
			return nil, left4me.NewError(left4me.Unavailable, "game.other_build", "build", build, "found", judged)
		}
		c, err := g.installation.Compare(ctx, upper)
		same = same && c.Files == 0
		return left4me.Notes{
			left4me.NewNote("game.build_compared", "build", build, "count", c.Files, "size", left4me.Bytes(c.Bytes)),
		}, err
	})
	if err != nil {
		return err
	}
	if same {
		p.Skip(left4me.NewNote("game.up_to_date", "build", build), left4me.StepPublish)
		return nil
	}
	return p.Step(ctx, left4me.StepPublish, func(ctx context.Context) (left4me.Notes, error) {
		b, err := g.installation.Publish(ctx, upper, build, now())
		if err != nil {
			return nil, err
		}
		x, _ := b.Get(build)
		return left4me.Notes{
			left4me.NewNote("game.build_current", "build", build), left4me.NewNote("game.layer_size", "size", left4me.Bytes(x.Bytes)),
		}, nil
	})
}

// check asks Steam for the newest build. If Steam does not answer, it records that the newest build
// is unknown.
func (g *gameUpdates) check(ctx context.Context, m bus.JobMessage, _ left4me.GameSpec, p *job.Progress) error {
	p.Plan(left4me.StepAskSteam)
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	err := p.Step(ctx, left4me.StepAskSteam, func(ctx context.Context) (left4me.Notes, error) {
		b, err := g.installation.Builds()
		if err != nil {
			return nil, err
		}
		x, _ := b.Get(b.Current)
		required, note := g.required(ctx, x.Version, p)
		notes := left4me.Notes{note}
		var latest int64
		if _, err := steamcmd.Find(g.core.Steam.Tool, string(g.core.Files.Root)); err == nil {
			quiet := job.Quiet(m.ID) // the steps of the run are not steps of this job
			result, err := g.runSteamCMD(ctx, install.Request{ID: m.ID, Latest: true}, quiet)
			for _, line := range quiet.Log() {
				p.Print(line)
			}
			if err != nil {
				g.core.log.WarnContext(ctx, "ask for the newest build", "job", m.ID, "err", err)
				notes = append(notes, left4me.NewNote("game.newest_unknown", "reason", job.Shown(m.ID, err)))
			} else {
				latest = result.Latest
				if latest > b.Current && note.Code == "game.version_accepted" {
					notes = nil // Steam still accepts the installed version, but it is not the newest
				}
				notes = append(notes, left4me.NewNote("game.newest", "build", latest))
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		b, err = g.installation.Checked(latest, required, notes, now())
		if err == nil && b.Outdated() {
			notes = append(notes, left4me.NewNote("game.outdated"))
		}
		return notes, err
	})
	if job.Interrupted(ctx) {
		return err
	}
	return errors.Join(err, g.finish(ctx, err))
}

// required asks Steam which version it requires of servers, and returns a note for users. The
// original error goes to the job's log.
func (g *gameUpdates) required(ctx context.Context, have string, p *job.Progress) (version string, note left4me.Note) {
	number, ok := steam.Version{Patch: have}.Number()
	if !ok {
		return "", left4me.NewNote("game.version_unknown")
	}
	c := steam.Client{Base: g.core.Steam.API}
	switch u, err := c.UpToDateCheck(ctx, gameApp, number); {
	case errors.Is(err, steam.ErrUnsupported):
		p.Print(err.Error())
		return "", left4me.NewNote("game.required_unknown")
	case err != nil:
		p.Print(err.Error())
		return "", left4me.NewNote("game.steam_not_asked", "reason", steamFailure(err))
	case u.UpToDate:
		return fmt.Sprint(number), left4me.NewNote("game.version_accepted", "version", have)
	case u.Required > 0:
		return fmt.Sprint(u.Required), left4me.NewNote("game.version_required", "version", u.Required)
	}
	return "a newer one", left4me.NewNote("game.version_rejected", "version", have)
}

// space returns the free bytes on the game's file system, and the margin that must stay free.
func (g *gameUpdates) space() (free, margin int64, err error) {
	return disk.Room(string(g.core.Files.Root))
}

func (g *gameUpdates) full(need int64) error {
	return disk.Full(string(g.core.Files.Root), need, steamcmd.DiskFull)
}

// linkSDK creates the links to Steam's libraries for left4me's own user and returns a note. A
// failure is only noted, because servers run without these links.
func (g *gameUpdates) linkSDK(ctx context.Context) left4me.Note {
	tool, err := steamcmd.Find(g.core.Steam.Tool, string(g.core.Files.Root))
	if err != nil && !errors.Is(err, left4me.NotFound) && !errors.Is(err, left4me.Denied) {
		return g.logAsNote(ctx, "link the SDK", err)
	}
	if g.core.Steam.Home == "" {
		return left4me.NewNote("game.no_home")
	}
	if err := steamcmd.LinkSDK(g.core.Steam.Home, tool, g.installation.LayerOf("bin/steamclient.so")); err != nil {
		return g.logAsNote(ctx, "link the SDK", err)
	}
	return left4me.NewNote("path.is", "path", filepath.Join(g.core.Steam.Home, ".steam"))
}

// logAsNote logs an error and returns the note that users see.
func (g *gameUpdates) logAsNote(ctx context.Context, what string, err error) left4me.Note {
	g.core.log.WarnContext(ctx, what, "err", err)
	return left4me.NewNote("error.is", "error", left4me.Shown(err, left4me.NewError(left4me.Unavailable, "internal.log")))
}
