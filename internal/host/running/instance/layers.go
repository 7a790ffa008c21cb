package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/left4me"
)

// Layers returns the read-only layers of a server without its configuration, top first, relative to the
// root. They are the overlays, each in the requested revision or else its current one, followed by the
// layers of the game's current build, whose number is returned, too. Errors: left4me.NotFound if an
// overlay or the game isn't on this host.
func (r Root) Layers(overlays []left4me.OverlayRef) (layers []string, build int64, err error) {
	for _, o := range overlays {
		l, err := r.OverlayLayer(o)
		if err != nil {
			return nil, 0, err
		}
		layers = append(layers, l)
	}
	installed, build, err := game.Layers(r.Installation())
	if err != nil {
		return nil, 0, err
	}
	for _, l := range installed {
		layers = append(layers, path.Join("installation", l))
	}
	return layers, build, nil
}

// OverlayLayer returns the directory of an overlay, relative to the root. Errors: left4me.NotFound.
func (r Root) OverlayLayer(o left4me.OverlayRef) (string, error) {
	rev, err := r.revision(o)
	return path.Join("overlays", string(o.Name), rev), err
}

// revision returns the name of the directory of the referenced revision.
func (r Root) revision(o left4me.OverlayRef) (string, error) {
	dir, number := r.Overlay(o.Name), o.Revision
	if number == 0 {
		current, err := overlays.Current(dir)
		if err != nil {
			return "", fmt.Errorf("overlay %s: %w", o.Name, err)
		}
		if current == 0 {
			return "", left4me.NewError(left4me.NotFound, "overlay.no_revision_on_host", "overlay", o.Name).InField("overlays")
		}
		return strconv.Itoa(current), nil
	}
	if ok, err := overlays.Has(dir, number); err != nil || !ok {
		return "",
			left4me.NewError(left4me.NotFound, "overlay.revision_not_on_host", "overlay", o.Name, "revision",
				number).InField("overlays").Because(err)
	}
	return strconv.Itoa(number), nil
}

// readDir lists a directory; a missing one counts as empty.
func readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// ConfigDir returns the newest generation of a server's configuration, relative to the root. ok is
// false if there is none.
func (r Root) ConfigDir(n left4me.Name) (dir string, ok bool) {
	newest, err := newestGeneration(filepath.Join(r.Instance(n), "config"))
	if err != nil || newest == 0 {
		return "", false
	}
	return path.Join("instances", string(n), "config", strconv.Itoa(newest)), true
}
