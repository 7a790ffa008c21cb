// Package game keeps the builds of the game on a host. A build is a stack of
// layers beneath installation/, and builds.json says which builds there are and
// which one servers start with.
//
// A layer never changes after it was published. A build is published by one
// rename and put in use by another, of builds.json, so that whatever ends in
// between leaves the old build in use and nothing else: what no build names is
// removed by the next run. Nothing here starts anything; the agent says what is
// mounted and calls at the right moments.
package game

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	fileName    = "builds.json"
	fileVersion = 1
	maxFile     = 1 << 20
	maxBuilds   = 1000
	maxLayers   = 400 // of one build: the kernel stacks 500, and a server brings its own

	// UnknownBuild is the number of a build that was laid down without
	// SteamCMD's manifest. It is older than all that have one.
	UnknownBuild int64 = 1
)

// Builds is what is known of the game on a host.
type Builds struct {
	V         int       `json:"v"`
	Current   int64     `json:"current"` // what servers start with; 0 when there is none
	Pinned    bool      `json:"pinned"`
	Latest    int64     `json:"latest"`             // the newest build that Steam was seen to have, or 0
	Required  string    `json:"required,omitempty"` // the version that Steam was seen to require: 2243
	CheckedAt time.Time `json:"checked_at,omitzero"`
	CheckNote string    `json:"check_note,omitempty"`
	Builds    []Build   `json:"builds"` // newest first

	SwitchedBy left4me.JobID `json:"switched_by,omitempty"` // the last job that went to another build

	// Rebuilt says why this was made from the directories and not read, or is
	// empty.
	Rebuilt string `json:"-"`
}

// Build is one build: a stack of layers.
type Build struct {
	Build       int64     `json:"build"`
	Version     string    `json:"version"`
	InstalledAt time.Time `json:"installed_at"`
	Bytes       int64     `json:"bytes"`  // of its topmost layer on disk; 0 when nobody counted
	Layers      []string  `json:"layers"` // directories beneath installation/, top first
}

// Get returns a build by its number.
func (b Builds) Get(number int64) (Build, bool) {
	i := b.index(number)
	if i < 0 {
		return Build{}, false
	}
	return b.Builds[i], true
}

func (b Builds) index(number int64) int {
	return slices.IndexFunc(b.Builds, func(x Build) bool { return x.Build == number })
}

// Before returns the build that was in use before the current one.
func (b Builds) Before() (Build, bool) {
	i := b.index(b.Current)
	if i < 0 || i+1 >= len(b.Builds) {
		return Build{}, false
	}
	return b.Builds[i+1], true
}

// Outdated reports whether Steam was seen to have something newer.
func (b Builds) Outdated() bool {
	now, ok := b.Get(b.Current)
	if !ok {
		return false
	}
	digits := strings.ReplaceAll(now.Version, ".", "")
	return b.Latest > b.Current || digits != "" && newer(b.Required, digits)
}

// newer reports whether version a, in digits, is newer than b.
func newer(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// Load reads the builds of an installation. Where builds.json isn't there, or is
// damaged, they are what the directories say: base, and the updates by number.
// A build of which a layer is missing is left out; when that was the current
// one, the newest that is whole takes its place.
func Load(dir string) (Builds, error) {
	b, err := read(filepath.Join(dir, fileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return scan(dir)
	case errors.Is(err, errDamaged):
		why := err.Error()
		b, err = scan(dir)
		b.Rebuilt = why
		return b, err
	case err != nil:
		return Builds{}, err
	}
	b.Builds = slices.DeleteFunc(b.Builds, func(x Build) bool { return !whole(dir, x.Layers) })
	if len(b.Builds) == 0 {
		scanned, err := scan(dir)
		if len(scanned.Builds) > 0 {
			scanned.Rebuilt = fileName + " names no layer that is there"
		}
		scanned.Pinned, scanned.Latest, scanned.Required = b.Pinned, b.Latest, b.Required
		scanned.CheckedAt, scanned.CheckNote = b.CheckedAt, b.CheckNote
		return scanned, err
	}
	if b.index(b.Current) < 0 {
		b.Current = b.Builds[0].Build
	}
	return b, nil
}

// whole reports whether all layers are there.
func whole(dir string, layers []string) bool {
	for _, l := range layers {
		if st, err := os.Lstat(filepath.Join(dir, l)); err != nil || !st.IsDir() {
			return false
		}
	}
	return true
}

var errDamaged = errors.New("is damaged")

func read(name string) (Builds, error) {
	st, err := os.Lstat(name)
	if err != nil {
		return Builds{}, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return Builds{}, fmt.Errorf("%s %w: it is no file of ours", fileName, errDamaged)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return Builds{}, err
	}
	return parse(data)
}

// parse takes nothing for granted: a disk that was full, or a person, may have
// written it.
func parse(data []byte) (Builds, error) {
	var b Builds
	if err := json.Unmarshal(data, &b); err != nil {
		return Builds{}, fmt.Errorf("%s %w: %w", fileName, errDamaged, err)
	}
	damaged := func(what string) (Builds, error) {
		return Builds{}, fmt.Errorf("%s %w: %s", fileName, errDamaged, what)
	}
	switch {
	case b.V != fileVersion:
		return damaged(fmt.Sprintf("version %d", b.V))
	case len(b.Builds) > maxBuilds:
		return damaged("too many builds")
	}
	seen := map[int64]bool{}
	for _, x := range b.Builds {
		if x.Build <= 0 || seen[x.Build] {
			return damaged(fmt.Sprintf("build %d", x.Build))
		}
		seen[x.Build] = true
		if len(x.Layers) == 0 || len(x.Layers) > maxLayers {
			return damaged(fmt.Sprintf("build %d has %d layers", x.Build, len(x.Layers)))
		}
		for i, l := range x.Layers {
			if !isLayer(l) || slices.Contains(x.Layers[:i], l) {
				return damaged(fmt.Sprintf("build %d has the layer %q", x.Build, l))
			}
		}
	}
	return b, nil
}

// save replaces builds.json as a whole.
func save(dir string, b Builds) error {
	b.V = fileVersion
	data, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, fileName), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", fileName, err)
	}
	return nil
}

// Layers returns the layers that a server starts with, top first, and the build
// that they are. Errors: left4me.NotFound when the game is not installed.
func Layers(dir string) (layers []string, build int64, err error) {
	b, err := Load(dir)
	if err != nil {
		return nil, 0, fmt.Errorf("installation: %w", err)
	}
	now, ok := b.Get(b.Current)
	if !ok {
		return nil, 0, left4me.NewError(left4me.NotFound, "game.not_installed_in", "dir", filepath.Join(dir, "base"))
	}
	return now.Layers, now.Build, nil
}
