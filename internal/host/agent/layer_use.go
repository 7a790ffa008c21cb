package agent

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/mountinfo"
)

// layerUse determines which layers servers have mounted or are about to mount.
type layerUse struct {
	core  *core
	disks *disks
	pins  *layerPins
}

// each calls f for every server whose layers are or may be mounted, with the environment of its
// last start: servers that are up, and servers whose mount was busy when they stopped. It fails if
// a disk is missing: the list of servers is incomplete then, and a layer without a known user must
// not be removed.
func (l *layerUse) each(ctx context.Context, f func(n left4me.Name, env instance.Env)) error {
	names, err := l.core.Files.Root.Names()
	if err != nil {
		return err
	}
	for _, n := range names {
		state, _, err := l.core.machine.State(ctx, n)
		if err != nil {
			return err
		}
		mounted, err := l.mounted(n)
		if err != nil {
			return err
		}
		if !state.Up() && !mounted {
			continue
		}
		env, err := l.core.Files.Root.ReadEnv(n)
		if err != nil {
			return fmt.Errorf("layers of %s: %w", n, err)
		}
		f(n, env)
	}
	return l.disks.check()
}

// mounted reports whether the server's merged directory is in the mount table of this process.
// Without systemd, the mount belongs to the server's own namespace and has ended with the server.
func (l *layerUse) mounted(n left4me.Name) (bool, error) {
	points, err := mountinfo.Self()
	return slices.Contains(points, l.core.Files.Root.Merged(n)), err
}

// revisions returns the revisions that are or may be mounted, with the servers that use them.
func (l *layerUse) revisions(ctx context.Context) (overlays.Used, error) {
	used := overlays.Used{}
	err := l.each(ctx, func(n left4me.Name, env instance.Env) {
		for _, ref := range overlaysOf(env) {
			used[ref] = append(used[ref], n)
		}
	})
	return used, err
}

// game returns the layers and builds of the game that are or may be mounted, also by stopped
// servers whose mount was busy.
func (l *layerUse) game(ctx context.Context) (game.Used, error) {
	u := game.Used{Layers: map[string]bool{}, Builds: map[int64]bool{}}
	err := l.each(ctx, func(_ left4me.Name, env instance.Env) {
		u.Builds[env.Build] = true
		for _, l := range env.Lowerdirs {
			if rel, ok := strings.CutPrefix(l, "installation/"); ok {
				u.Layers[rel] = true
			}
		}
	})
	return u, err
}

// revisionDir returns the directory of a revision, relative to the root.
func revisionDir(n left4me.Name, number int) string {
	return "overlays/" + string(n) + "/" + strconv.Itoa(number)
}

// overlaysOf returns the revisions among the layers of a server, top first.
func overlaysOf(env instance.Env) []left4me.OverlayRef {
	var refs []left4me.OverlayRef
	for _, l := range env.Lowerdirs {
		rest, ok := strings.CutPrefix(l, "overlays/")
		if !ok {
			continue
		}
		name, rev, _ := strings.Cut(rest, "/")
		if number, err := strconv.Atoi(rev); err == nil && left4me.Name(name).Valid() {
			refs = append(refs, left4me.OverlayRef{Name: left4me.Name(name), Revision: number})
		}
	}
	return refs
}
