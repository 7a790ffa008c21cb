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

// layerUse knows which layers servers have mounted, or are about to mount.
type layerUse struct {
	core  *core
	disks *disks
	pins  *layerPins
}

// each calls f for what each server was prepared with that has its layers
// mounted, or may have: those that are up, and those whose mount was busy when
// they stopped. It fails when a disk has gone: then the list of servers can't be
// trusted, and nothing may be removed for want of users.
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

// mounted looks in the mount table that this process sees: without systemd a
// server's mount is in its own namespace and has gone with it.
func (l *layerUse) mounted(n left4me.Name) (bool, error) {
	points, err := mountinfo.Self()
	return slices.Contains(points, l.core.Files.Root.Merged(n)), err
}

// revisions says which revisions are mounted, or may be, by which servers.
func (l *layerUse) revisions(ctx context.Context) (overlays.Used, error) {
	used := overlays.Used{}
	err := l.each(ctx, func(n left4me.Name, env instance.Env) {
		for _, ref := range overlaysOf(env) {
			used[ref] = append(used[ref], n)
		}
	})
	return used, err
}

// game says which layers are mounted, or may be: of servers that are up, and of
// those whose mount was busy when they stopped.
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

// revisionDir is the directory of a revision, relative to the root.
func revisionDir(n left4me.Name, number int) string {
	return "overlays/" + string(n) + "/" + strconv.Itoa(number)
}

// overlaysOf are the revisions among the layers of a server, top first.
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
