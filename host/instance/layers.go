package instance

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me"
)

// Layers returns the read-only layers of a server without its configuration,
// top first, relative to the root: its overlays in their newest revision, then
// the updates of the game, newest first, then the game. Errors:
// left4me.NotFound when an overlay or the game isn't on this host.
func (r Root) Layers(overlays []left4me.Name) ([]string, error) {
	layers := make([]string, 0, len(overlays)+2)
	for _, o := range overlays {
		rev, err := r.newestRevision(o)
		if err != nil {
			return nil, err
		}
		layers = append(layers, path.Join("overlays", string(o), rev))
	}
	game, err := r.game()
	if err != nil {
		return nil, err
	}
	return append(layers, game...), nil
}

// Overlays returns the overlays that have a revision on this host, by name.
func (r Root) Overlays() ([]left4me.Name, error) {
	entries, err := readDir(filepath.Join(string(r), "overlays"))
	if err != nil {
		return nil, fmt.Errorf("list overlays: %w", err)
	}
	names := []left4me.Name{}
	for _, e := range entries {
		n, err := left4me.ParseName(e.Name())
		if err != nil {
			continue
		}
		if _, err := r.newestRevision(n); err == nil {
			names = append(names, n)
		}
	}
	return names, nil
}

// newestRevision is the directory with the highest number.
func (r Root) newestRevision(o left4me.Name) (string, error) {
	entries, err := readDir(r.Overlay(o))
	if err != nil {
		return "", fmt.Errorf("overlay %s: %w", o, err)
	}
	newest := -1
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && e.IsDir() {
			newest = max(newest, n)
		}
	}
	if newest < 0 {
		return "", &left4me.Error{
			Kind: left4me.NotFound, Field: "overlays",
			Text: fmt.Sprintf("overlay %s has no revision on this host", o), Hint: "build it, or take it out of the blueprint",
		}
	}
	return strconv.Itoa(newest), nil
}

// game returns the layers of the installation, top first.
func (r Root) game() ([]string, error) {
	entries, err := readDir(r.Installation())
	if err != nil {
		return nil, fmt.Errorf("installation: %w", err)
	}
	var updates []int
	base := false
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if e.Name() == "base" {
			base = true
		} else if build, ok := strings.CutPrefix(e.Name(), "update-"); ok {
			if n, err := strconv.Atoi(build); err == nil {
				updates = append(updates, n)
			}
		}
	}
	if !base {
		return nil, &left4me.Error{Kind: left4me.NotFound, Text: "the game is not installed on this host", Hint: "install it to " + filepath.Join(r.Installation(), "base")}
	}
	slices.SortFunc(updates, func(a, b int) int { return cmp.Compare(b, a) })
	layers := make([]string, 0, len(updates)+1)
	for _, n := range updates {
		layers = append(layers, fmt.Sprintf("installation/update-%d", n))
	}
	return append(layers, "installation/base"), nil
}

// readDir lists a directory; one that isn't there is empty.
func readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
