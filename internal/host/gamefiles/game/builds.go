// Package game manages the game builds of a host. A build is a stack of layers under installation/;
// builds.json lists the builds and names the current one, which servers start with.
//
// A published layer never changes. A build is published by one rename of its layer and becomes
// current by one rename of builds.json. An interruption in between leaves the old build active; the
// next run removes layers that no build uses. The package starts no processes: the agent passes in
// which layers are mounted and decides when to call it.
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
	maxLayers   = 400 // per build; the kernel stacks up to 500, and a server adds its own

	// UnknownBuild is the number of a build that was installed without SteamCMD's manifest. It is
	// older than every build with a manifest.
	UnknownBuild int64 = 1
)

// Builds describes the game builds of a host.
type Builds struct {
	V          int           `json:"v"`
	Current    int64         `json:"current"` // build that servers start with; 0 if there is none
	Pinned     bool          `json:"pinned"`
	Latest     int64         `json:"latest"`             // newest build that Steam reported, or 0
	Required   string        `json:"required,omitempty"` // version that Steam requires of servers, such as 2243
	CheckedAt  time.Time     `json:"checked_at,omitzero"`
	CheckNote  string        `json:"check_note,omitempty"`
	CheckNotes left4me.Notes `json:"check_notes,omitempty"`
	Builds     []Build       `json:"builds"` // newest first

	SwitchedBy left4me.JobID `json:"switched_by,omitempty"` // last job that switched to another build

	// Rebuilt explains why the list was rebuilt from the directories; empty if it was read from
	// builds.json.
	Rebuilt string `json:"-"`
}

// Build is one build: a stack of layers.
type Build struct {
	Build       int64     `json:"build"`
	Version     string    `json:"version"`
	InstalledAt time.Time `json:"installed_at"`
	Bytes       int64     `json:"bytes"`  // disk usage of the topmost layer; 0 if not measured
	Layers      []string  `json:"layers"` // directories under installation/, top first
}

// Get returns the build with the given number.
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

// Before returns the build that was active before the current one.
func (b Builds) Before() (Build, bool) {
	i := b.index(b.Current)
	if i < 0 || i+1 >= len(b.Builds) {
		return Build{}, false
	}
	return b.Builds[i+1], true
}

// Outdated reports whether Steam last reported a newer build or required a newer version.
func (b Builds) Outdated() bool {
	now, ok := b.Get(b.Current)
	if !ok {
		return false
	}
	digits := strings.ReplaceAll(now.Version, ".", "")
	return b.Latest > b.Current || digits != "" && newer(b.Required, digits)
}

// newer reports whether version a is newer than b. Both consist of digits only.
func newer(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// Load reads the builds of an installation. If builds.json is missing or damaged, Load rebuilds the
// list from the directories: the base, and the updates by number. It skips builds with a missing
// layer; if the current build is one of those, the newest complete build becomes current.
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
	b.Builds = slices.DeleteFunc(b.Builds, func(x Build) bool { return !complete(dir, x.Layers) })
	if len(b.Builds) == 0 {
		scanned, err := scan(dir)
		if len(scanned.Builds) > 0 {
			scanned.Rebuilt = fileName + " names no layer that is there"
		}
		scanned.Pinned, scanned.Latest, scanned.Required = b.Pinned, b.Latest, b.Required
		scanned.CheckedAt, scanned.CheckNote, scanned.CheckNotes = b.CheckedAt, b.CheckNote, b.CheckNotes
		return scanned, err
	}
	if b.index(b.Current) < 0 {
		b.Current = b.Builds[0].Build
	}
	return b, nil
}

// complete reports whether all layers exist.
func complete(dir string, layers []string) bool {
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

// parse validates everything in data, because a full disk or a user may have damaged the file.
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

// save replaces builds.json atomically.
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

// Layers returns the layers of the current build, top first, and its number. Errors:
// left4me.NotFound if the game is not installed.
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
