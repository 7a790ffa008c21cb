package agent

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

// gameLayers removes and merges layers of game builds.
type gameLayers struct {
	core         *core
	installation *game.Installation
	use          *layerUse
}

// drop removes layers that no build uses and no server has mounted.
func (g *gameLayers) drop(ctx context.Context) (game.Dropped, error) {
	s := g.use.pins.survey()
	defer s.end()
	used, err := g.use.game(ctx)
	if err != nil {
		return game.Dropped{}, err
	}
	used.Remove = func(layer string, remove func() error) error { return s.remove("installation/"+layer, remove) }
	d, err := g.installation.Drop(ctx, used)
	if err != nil {
		return d, err
	}
	return d, g.installation.Sweep(ctx)
}

func (g *gameLayers) dropStep(ctx context.Context, p *job.Progress) error {
	return p.Step(ctx, left4me.StepDropOldLayers, func(ctx context.Context) (left4me.Notes, error) {
		d, err := g.drop(ctx)
		if err != nil {
			return nil, err
		}
		var notes left4me.Notes
		if n := len(d.Layers); n > 0 {
			notes = append(notes, left4me.NewNote("layers.removed", "count", n, "layers", strings.Join(d.Layers, ", ")))
		}
		if n := len(d.Kept); n > 0 {
			notes = append(notes, left4me.NewNote("layers.in_use", "count", n, "layers", strings.Join(d.Kept, ", ")))
		}
		if len(notes) == 0 {
			notes = left4me.Notes{left4me.NewNote("layers.none_unused")}
		}
		return notes, nil
	})
}

// flatten merges the layers below the current build. It does nothing while a server runs on an
// older build, because the old layers could not be removed before that server restarts.
func (g *gameLayers) flatten(ctx context.Context, _ bus.JobMessage, _ left4me.GameSpec, p *job.Progress) error {
	p.Plan(left4me.StepFlatten, left4me.StepDropOldLayers)
	err := p.Step(ctx, left4me.StepFlatten, func(ctx context.Context) (left4me.Notes, error) {
		n, late, err := g.mergeable(ctx)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return left4me.Notes{left4me.NewNote("layers.nothing_to_merge")}, nil
		case late != "":
			return left4me.Notes{left4me.NewNote("layers.wait_for_server", "server", late)}, nil
		}
		f, err := g.installation.Flatten(ctx, func(files int) {
			p.Set(left4me.StepFlatten, func(s *left4me.Step) { s.Progress = left4me.Progress{Done: int64(files), Unit: "files"} })
		})
		return left4me.Notes{left4me.NewNote("layers.merged", "layers", f.Layers, "layer", f.Name, "count", f.Files)}, err
	})
	if err != nil {
		return err
	}
	return g.dropStep(ctx, p)
}

// mergeable returns the number of layers that can be merged, and a server that runs on a build
// older than those layers, if there is one.
func (g *gameLayers) mergeable(ctx context.Context) (layers int, late left4me.Name, err error) {
	b, err := g.installation.Builds()
	if err != nil || b.ToFlatten() == 0 {
		return 0, "", err
	}
	up, err := g.serversByBuild(ctx)
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

// serversByBuild returns the servers that are up, by the build that they run on.
func (g *gameLayers) serversByBuild(ctx context.Context) (map[int64][]left4me.Name, error) {
	names, err := g.core.machine.List(ctx)
	if err != nil {
		return nil, err
	}
	up := map[int64][]left4me.Name{}
	for _, n := range names {
		if env, err := g.core.Files.Root.ReadEnv(n); err == nil {
			up[env.Build] = append(up[env.Build], n)
		}
	}
	return up, nil
}
