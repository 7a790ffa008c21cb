package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
)

// gameJobs carries out the jobs on a host's game installation and removes unused layers.
type gameJobs struct {
	core         *core
	disks        *disks
	installation *game.Installation
	layers       *gameLayers
	updates      *gameUpdates
	serverEnded  <-chan struct{} // signals that layers may have become unused
	working      chan struct{}   // holds one value while a job or tidying up changes the game
}

func newGameJobs(c *core, d *disks, in *game.Installation, use *layerUse, ended <-chan struct{}) *gameJobs {
	layers := &gameLayers{core: c, installation: in, use: use}
	return &gameJobs{
		core: c, disks: d, installation: in, layers: layers, updates: &gameUpdates{core: c, installation: in, layers: layers},
		serverEnded: ended, working: make(chan struct{}, 1),
	}
}

// exclusive returns a runner that calls f while no other job changes the game.
func (g *gameJobs) exclusive(f func(context.Context, bus.JobMessage, left4me.GameSpec, *job.Progress) error) runner {
	return func(ctx context.Context, m bus.JobMessage, p *job.Progress) error {
		var spec left4me.GameSpec
		if len(m.Spec) > 0 {
			if err := json.Unmarshal(m.Spec, &spec); err != nil {
				return left4me.NewError(left4me.Invalid, "job.unreadable", "job", m.ID)
			}
		}
		select {
		case g.working <- struct{}{}:
			defer func() { <-g.working }()
		case <-ctx.Done():
			return ctx.Err()
		}
		return f(ctx, m, spec, p)
	}
}

// rollBack makes an older build the current build.
func (g *gameJobs) rollBack(ctx context.Context, m bus.JobMessage, spec left4me.GameSpec, p *job.Progress) error {
	p.Plan(left4me.StepSwitchBuild)
	return p.Step(ctx, left4me.StepSwitchBuild, func(context.Context) (left4me.Notes, error) {
		b, err := g.installation.Switch(spec.Build, m.ID)
		if err != nil {
			return nil, err
		}
		notes := left4me.Notes{left4me.NewNote("game.build_current", "build", b.Current)}
		if b.Pinned {
			notes = append(notes, left4me.NewNote("game.build_pinned"))
		}
		return notes, nil
	})
}

// tidyEvery is the interval at which unused layers are removed. They are also removed whenever a
// server has ended.
const tidyEvery = 10 * time.Minute

// tidyUp removes unused layers and merges layers in the background: every tidyEvery and after each
// end of a server.
func (g *gameJobs) tidyUp(ctx context.Context) {
	if b, err := g.installation.Adopt(); err != nil {
		g.core.log.ErrorContext(ctx, "game", "err", err)
	} else if b.Rebuilt != "" {
		g.core.log.WarnContext(ctx, "game: the builds were taken from the directories", "why", b.Rebuilt)
	}
	began := time.Now()
	periodic.Run(ctx, periodic.Schedule{Every: tidyEvery, Wake: g.serverEnded}, func(ctx context.Context) {
		if g.disks.check() != nil {
			return
		}
		select {
		case g.working <- struct{}{}:
		default:
			return // a job is running and tidies up at its end
		}
		defer func() { <-g.working }()
		// By then, every job that was unfinished when left4me started has been claimed.
		if err := g.tidy(ctx, time.Since(began) >= tidyEvery); err != nil && ctx.Err() == nil {
			g.core.log.WarnContext(ctx, "game: tidy up", "err", err)
		}
	})
}

func (g *gameJobs) tidy(ctx context.Context, orphans bool) error {
	switch _, err := install.ReadRequest(g.core.Files.Root); {
	case errors.Is(err, fs.ErrNotExist):
	case !orphans:
		return nil // the job will resume
	default: // its job was cancelled while no agent ran
		if err := g.updates.finish(ctx, nil); err != nil {
			return err
		}
	}
	d, err := g.layers.drop(ctx)
	if err != nil {
		return err
	}
	n, late, err := g.layers.mergeable(ctx)
	if err != nil || n == 0 || late != "" {
		return err
	}
	f, err := g.installation.Flatten(ctx, nil)
	if err != nil {
		return err
	}
	more, err := g.layers.drop(ctx)
	g.core.log.InfoContext(ctx, "game: layers merged", "into", f.Name, "layers", f.Layers, "removed", append(d.Layers, more.Layers...))
	return err
}

// get returns the game builds of this host.
func (g *gameJobs) get(ctx context.Context) (left4me.Game, error) {
	b, err := g.installation.Builds()
	if err != nil {
		return left4me.Game{}, err
	}
	up, err := g.layers.serversByBuild(ctx)
	if err != nil {
		return left4me.Game{}, err
	}
	answer := left4me.Game{
		Current: b.Current, Pinned: b.Pinned, Builds: make([]left4me.GameBuild, 0, len(b.Builds)), Latest: b.Latest,
		Outdated: b.Outdated(), CheckedAt: b.CheckedAt, CheckNote: b.CheckNote, CheckNotes: b.CheckNotes,
	}
	for _, x := range b.Builds {
		servers := up[x.Build]
		if servers == nil {
			servers = []left4me.Name{}
		}
		answer.Builds = append(answer.Builds, left4me.GameBuild{
			Build: x.Build, Version: x.Version, InstalledAt: x.InstalledAt, Bytes: x.Bytes, Layers: x.Layers, Servers: servers,
		})
	}
	if tool, err := steamcmd.Find(g.core.Steam.Tool, string(g.core.Files.Root)); err == nil {
		answer.SteamCMD = tool.Script
	}
	return answer, nil
}

// pin pins or unpins the current build.
func (g *gameJobs) pin(ctx context.Context, r bus.PinRequest) (left4me.Game, error) {
	if _, err := g.installation.Pin(r.Pinned); err != nil {
		return left4me.Game{}, err
	}
	return g.get(ctx)
}
