package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// SteamConfig says how the game comes from Steam. All of it may be empty.
type SteamConfig struct {
	Tool string // LEFT4ME_STEAMCMD: path of steamcmd.sh
	URL  string // LEFT4ME_STEAMCMD_URL: where SteamCMD is fetched from
	Home string // HOME of our own user, for links to Steam's libraries
	API  string // LEFT4ME_STEAM_API_URL: where Steam is asked which version it requires
}

// tidyEvery is how often what nobody needs is looked for, besides each time that
// a server has ended.
const tidyEvery = 10 * time.Minute

// runGame runs a job on the game of this host.
func (a *Agent) runGame(ctx context.Context, m bus.JobMessage, p *progress) error {
	var spec left4me.GameSpec
	if len(m.Spec) > 0 {
		if err := json.Unmarshal(m.Spec, &spec); err != nil {
			return left4me.Errorf(left4me.Invalid, "job %s can't be read", m.ID)
		}
	}
	select {
	case a.working <- struct{}{}:
		defer func() { <-a.working }()
	case <-ctx.Done():
		return ctx.Err()
	}
	switch m.Kind {
	case left4me.InstallGame, left4me.UpdateGame, left4me.VerifyGame:
		return a.updateGame(ctx, m, p)
	case left4me.CheckGame:
		p.plan(left4me.StepAskSteam)
		return a.checkGame(ctx, m, p)
	case left4me.RollbackGame:
		p.plan(left4me.StepSwitchBuild)
		return p.step(ctx, left4me.StepSwitchBuild, func(context.Context) (string, error) {
			b, err := a.game.Switch(spec.Build, m.ID)
			if err != nil {
				return "", err
			}
			note := fmt.Sprintf("servers start with build %d from now on", b.Current)
			if b.Pinned {
				note += "; it is pinned: no update replaces it until you let it go"
			}
			return note, nil
		})
	case left4me.FlattenGame:
		p.plan(left4me.StepFlatten, left4me.StepDropOldLayers)
		return a.flattenGame(ctx, p)
	}
	return unknownKind(a.Host, m.Kind)
}

// gameNow answers what this host has of the game.
func (a *Agent) gameNow(ctx context.Context) (left4me.Game, error) {
	b, err := a.game.Builds()
	if err != nil {
		return left4me.Game{}, err
	}
	up, err := a.builtUp(ctx)
	if err != nil {
		return left4me.Game{}, err
	}
	g := left4me.Game{
		Current: b.Current, Pinned: b.Pinned, Builds: make([]left4me.GameBuild, 0, len(b.Builds)), Latest: b.Latest,
		Outdated: b.Outdated(), CheckedAt: b.CheckedAt, CheckNote: b.CheckNote,
	}
	for _, x := range b.Builds {
		servers := up[x.Build]
		if servers == nil {
			servers = []left4me.Name{}
		}
		g.Builds = append(g.Builds, left4me.GameBuild{
			Build: x.Build, Version: x.Version, InstalledAt: x.InstalledAt, Bytes: x.Bytes, Layers: x.Layers, Servers: servers,
		})
	}
	if tool, err := steamcmd.Find(a.Steam.Tool, string(a.Files.Root)); err == nil {
		g.SteamCMD = tool.Script
	}
	return g, nil
}

func (a *Agent) pin(ctx context.Context, pinned bool) (left4me.Game, error) {
	if _, err := a.game.Pin(pinned); err != nil {
		return left4me.Game{}, err
	}
	return a.gameNow(ctx)
}

// builtUp are the servers that are up, by the build that they run on.
func (a *Agent) builtUp(ctx context.Context) (map[int64][]left4me.Name, error) {
	names, err := a.supervisor.List(ctx)
	if err != nil {
		return nil, err
	}
	up := map[int64][]left4me.Name{}
	for _, n := range names {
		if env, err := a.Files.ReadEnv(n); err == nil {
			up[env.Build] = append(up[env.Build], n)
		}
	}
	return up, nil
}

// used says which layers are mounted, or may be: of servers that are up, and of
// those whose mount was busy when they stopped.
func (a *Agent) used(ctx context.Context) (game.Used, error) {
	u := game.Used{Layers: map[string]bool{}, Builds: map[int64]bool{}}
	err := a.eachMounted(ctx, func(_ left4me.Name, env instance.Env) {
		u.Builds[env.Build] = true
		for _, l := range env.Lowerdirs {
			if rel, ok := strings.CutPrefix(l, "installation/"); ok {
				u.Layers[rel] = true
			}
		}
	})
	return u, err
}

// dropLayers removes what no build names and nothing has mounted.
func (a *Agent) dropLayers(ctx context.Context) (game.Dropped, error) {
	s := a.mounts.survey()
	defer s.end()
	used, err := a.used(ctx)
	if err != nil {
		return game.Dropped{}, err
	}
	used.Remove = func(layer string, remove func() error) error { return s.remove("installation/"+layer, remove) }
	d, err := a.game.Drop(ctx, used)
	if err != nil {
		return d, err
	}
	return d, a.game.Sweep(ctx)
}

func (a *Agent) stepDrop(ctx context.Context, p *progress) error {
	return p.step(ctx, left4me.StepDropOldLayers, func(ctx context.Context) (string, error) {
		d, err := a.dropLayers(ctx)
		if err != nil {
			return "", err
		}
		var notes []string
		if len(d.Layers) > 0 {
			notes = append(notes, "removed "+strings.Join(d.Layers, ", "))
		}
		if len(d.Kept) > 0 {
			notes = append(notes, "kept for servers that run on them: "+strings.Join(d.Kept, ", "))
		}
		return cmp.Or(strings.Join(notes, "; "), "there were none"), nil
	})
}

// flattenGame merges the layers below the current build, unless a server runs on
// an older one: then nothing would be gained before it has been restarted.
func (a *Agent) flattenGame(ctx context.Context, p *progress) error {
	err := p.step(ctx, left4me.StepFlatten, func(ctx context.Context) (string, error) {
		n, late, err := a.toFlatten(ctx)
		switch {
		case err != nil:
			return "", err
		case n == 0:
			return "there is nothing to merge", nil
		case late != "":
			return string(late) + " runs on an older build: after its restart", nil
		}
		f, err := a.game.Flatten(ctx, func(files int) {
			p.set(left4me.StepFlatten, func(s *left4me.Step) { s.Progress = left4me.Progress{Done: int64(files), Unit: "files"} })
		})
		return fmt.Sprintf("%d layers became %s, %d files", f.Layers, f.Name, f.Files), err
	})
	if err != nil {
		return err
	}
	return a.stepDrop(ctx, p)
}

// toFlatten says how many layers can be merged, and which server runs on a build
// that is older than they are.
func (a *Agent) toFlatten(ctx context.Context) (layers int, late left4me.Name, err error) {
	b, err := a.game.Builds()
	if err != nil || b.ToFlatten() == 0 {
		return 0, "", err
	}
	up, err := a.builtUp(ctx)
	if err != nil {
		return 0, "", err
	}
	before, _ := b.Before()
	for build, servers := range up {
		if build != b.Current && build != before.Build {
			late = servers[0]
		}
	}
	return b.ToFlatten(), late, nil
}

// tidyGame removes in the background what nobody needs any more, and merges
// layers: when a server ended that was the last on a build, and now and then.
func (a *Agent) tidyGame(ctx context.Context) {
	if b, err := a.game.Adopt(); err != nil {
		a.log.Error("game", "err", err)
	} else if b.Rebuilt != "" {
		a.log.Warn("game: the builds were taken from the directories", "why", b.Rebuilt)
	}
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		orphans := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			orphans = true // what left4me found when it started has been claimed by now
		case <-a.downs:
		}
		if a.diskThere() != nil {
			continue
		}
		select {
		case a.working <- struct{}{}:
		default:
			continue // a job, which tidies up itself
		}
		if err := a.tidy(ctx, orphans); err != nil && ctx.Err() == nil {
			a.log.Warn("game: tidy up", "err", err)
		}
		<-a.working
	}
}

func (a *Agent) tidy(ctx context.Context, orphans bool) error {
	switch _, err := install.ReadRequest(a.Files.Root); {
	case errors.Is(err, fs.ErrNotExist):
	case !orphans:
		return nil // a job that will go on
	default: // it was cancelled while nobody worked on it
		if err := a.finishInstall(ctx, nil); err != nil {
			return err
		}
	}
	d, err := a.dropLayers(ctx)
	if err != nil {
		return err
	}
	n, late, err := a.toFlatten(ctx)
	if err != nil || n == 0 || late != "" {
		return err
	}
	f, err := a.game.Flatten(ctx, nil)
	if err != nil {
		return err
	}
	more, err := a.dropLayers(ctx)
	a.log.Info("game: layers merged", "into", f.Name, "layers", f.Layers, "removed", append(d.Layers, more.Layers...))
	return err
}

// linkSDK makes our own user's links to Steam's libraries. That there are none
// keeps nobody from playing: it is a note.
func (a *Agent) linkSDK() string {
	tool, err := steamcmd.Find(a.Steam.Tool, string(a.Files.Root))
	if err != nil && !errors.Is(err, left4me.NotFound) && !errors.Is(err, left4me.Denied) {
		return a.noted("link the SDK", err)
	}
	if a.Steam.Home == "" {
		return "this user has no home; each server has its own links"
	}
	if err := steamcmd.LinkSDK(a.Steam.Home, tool, a.game.Holding("bin/steamclient.so")); err != nil {
		return a.noted("link the SDK", err)
	}
	return filepath.Join(a.Steam.Home, ".steam")
}

// noted is an error that is a note of a step; the log has what isn't shown.
func (a *Agent) noted(what string, err error) string {
	a.log.Warn(what, "err", err)
	return left4me.Shown(err, "the log of left4me says more").Error()
}
