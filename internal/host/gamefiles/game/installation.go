package game

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Installation manages the game builds of a host. Use one Installation per directory; its methods
// may be called concurrently.
type Installation struct {
	dir   string // directory of the layers
	tmp   string // directory for partial files, on the same file system
	group int

	mu sync.Mutex // held while builds.json is read and written
}

// Open returns the installation under a root. group becomes the group of the layers, so that the
// game may read them and change them in its own writable layer; -1 if the game runs as left4me's
// own user.
func Open(root string, group int) *Installation {
	return &Installation{dir: filepath.Join(root, "installation"), tmp: filepath.Join(root, "tmp"), group: group}
}

// Builds returns the builds of the installation.
func (i *Installation) Builds() (Builds, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return Load(i.dir)
}

// Adopt writes builds.json if it is missing or damaged. It does nothing if there is no game.
func (i *Installation) Adopt() (Builds, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	b, err := Load(i.dir)
	if err != nil || len(b.Builds) == 0 {
		return b, err
	}
	if _, err := read(filepath.Join(i.dir, fileName)); err == nil && b.Rebuilt == "" {
		return b, nil
	}
	for k := range b.Builds {
		if b.Builds[k].Bytes, err = usage(filepath.Join(i.dir, b.Builds[k].Layers[0])); err != nil {
			return b, err
		}
	}
	return b, save(i.dir, b)
}

// change reads the builds, calls f to change them, and writes them.
func (i *Installation) change(f func(*Builds) error) (Builds, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	b, err := Load(i.dir)
	if err == nil {
		err = f(&b)
	}
	if err == nil {
		err = i.makeDir()
	}
	if err == nil {
		err = save(i.dir, b)
	}
	return b, err
}

func (i *Installation) makeDir() error {
	if err := os.MkdirAll(i.dir, 0o751); err != nil {
		return err
	}
	if i.group < 0 {
		return nil
	}
	return os.Chown(i.dir, -1, i.group)
}

// Pin pins or unpins the current build. Updates do not replace a pinned build.
func (i *Installation) Pin(pinned bool) (Builds, error) {
	return i.change(func(b *Builds) error {
		if len(b.Builds) == 0 {
			return notInstalled()
		}
		b.Pinned = pinned
		return nil
	})
}

func notInstalled() error {
	return left4me.NewError(left4me.NotFound, "game.not_installed")
}

// Checked records the result of asking Steam: the newest build and the required version. latest is
// 0 and required empty if unknown; notes are the explanation for users.
func (i *Installation) Checked(latest int64, required string, notes left4me.Notes, at time.Time) (Builds, error) {
	return i.change(func(b *Builds) error {
		if latest > 0 {
			b.Latest = latest
		}
		b.Required, b.CheckNote, b.CheckNotes, b.CheckedAt = required, notes.String(), notes, at
		return nil
	})
}

// Switch makes another build the current one; 0 selects the build before the current one. Switching
// to an older build pins it, because the next update would undo the rollback. A repeated call for
// the same job has no further effect. Errors: left4me.NotFound.
func (i *Installation) Switch(build int64, by left4me.JobID) (Builds, error) {
	return i.change(func(b *Builds) error {
		at := b.index(b.Current)
		switch {
		case by != "" && b.SwitchedBy == by:
			return nil
		case at < 0:
			return notInstalled()
		case build == 0 && at+1 == len(b.Builds):
			return left4me.NewError(left4me.NotFound, "game.no_earlier_build", "build", b.Current)
		case build == 0:
			build = b.Builds[at+1].Build
		}
		to := b.index(build)
		if to < 0 {
			return left4me.NewError(left4me.NotFound, "game.build_unknown", "build", build, "known", numbers(b.Builds)).InField("build")
		}
		b.Current, b.SwitchedBy = build, by
		b.Pinned = b.Pinned || to > at
		return nil
	})
}

func numbers(builds []Build) string {
	text := ""
	for k, b := range builds {
		if k > 0 {
			text += ", "
		}
		text += fmt.Sprint(b.Build)
	}
	return text
}

// Stack returns the directories of the current build, top first, or none if there is no game.
func (i *Installation) Stack() ([]string, error) {
	b, err := i.Builds()
	if err != nil {
		return nil, err
	}
	now, ok := b.Get(b.Current)
	if !ok {
		return nil, nil
	}
	return paths(i.dir, now.Layers), nil
}

// free returns name, or name with the first suffix that no layer of a build uses.
func (b Builds) free(name string) string {
	taken := func(n string) bool {
		return slices.ContainsFunc(b.Builds, func(x Build) bool { return slices.Contains(x.Layers, n) })
	}
	if !taken(name) {
		return name
	}
	for k := 2; ; k++ {
		if n := fmt.Sprintf("%s-%d", name, k); !taken(n) {
			return n
		}
	}
}

// LayerOf returns the directory of the layer that holds a file of the current build, or "".
func (i *Installation) LayerOf(rel string) string {
	stack, err := i.Stack()
	if err != nil {
		return ""
	}
	name, err := lookup(stack, rel)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(name, "/"+rel)
}
