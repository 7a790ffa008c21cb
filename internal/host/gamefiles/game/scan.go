package game

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
)

// layerName matches the names of layers: base, base-BUILD for a merged layer, and update-BUILD.
// Further layers of the same build have the suffix -2, -3 and so on.
var layerName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(base|base-[1-9][0-9]{0,17}|update-[1-9][0-9]{0,17})(-[1-9][0-9]{0,5})?$`)
})

func isLayer(name string) bool { return layerName().MatchString(name) }

// splitLayerName splits the name of a layer into its parts. Missing numbers are 0.
func splitLayerName(name string) (kind string, build, again int64) {
	parts := strings.Split(name, "-")
	if len(parts) > 1 {
		build, _ = strconv.ParseInt(parts[1], 10, 64)
	}
	if len(parts) > 2 {
		again, _ = strconv.ParseInt(parts[2], 10, 64)
	}
	return parts[0], build, again
}

// layersIn returns the names of the layers in a directory.
func layersIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && isLayer(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// scan derives the builds from the directories: the base, and on top of it the updates in the order
// of their numbers. If there are several bases, the one with the highest build wins, because it was
// merged from the others.
func scan(dir string) (Builds, error) {
	b := Builds{V: fileVersion}
	names, err := layersIn(dir)
	if err != nil {
		return b, err
	}
	slices.SortFunc(names, func(x, y string) int {
		_, bx, ax := splitLayerName(x)
		_, by, ay := splitLayerName(y)
		return cmp.Or(cmp.Compare(bx, by), cmp.Compare(ax, ay), cmp.Compare(x, y))
	})
	base, from := "", int64(0)
	for _, n := range names {
		if kind, build, _ := splitLayerName(n); kind == "base" {
			base, from = n, build
		}
	}
	if base == "" {
		return b, nil
	}
	stack := []string{base}
	first := describe(dir, stack)
	if from > 0 {
		first.Build = from
	}
	b.Builds = []Build{first}
	for _, n := range names {
		kind, build, _ := splitLayerName(n)
		if kind != "update" || build <= from {
			continue
		}
		stack = append([]string{n}, stack...)
		next := describe(dir, stack)
		next.Build = build
		b.Builds = slices.DeleteFunc(b.Builds, func(x Build) bool { return x.Build == build })
		b.Builds = append([]Build{next}, b.Builds...)
	}
	b.Current = b.Builds[0].Build
	return b, nil
}

// describe reads number, version and date of a build from its layers.
func describe(dir string, layers []string) Build {
	stack := paths(dir, layers)
	b := Build{Layers: layers, Build: UnknownBuild, Version: version(stack)}
	if m, err := manifestOf(stack); err == nil && m.Build > 0 {
		b.Build = m.Build
	}
	if st, err := os.Stat(stack[0]); err == nil {
		b.InstalledAt = st.ModTime().UTC()
	}
	return b
}

func paths(dir string, layers []string) []string {
	all := make([]string, len(layers))
	for i, l := range layers {
		all[i] = filepath.Join(dir, l)
	}
	return all
}

// manifest is the path of SteamCMD's manifest, relative to the game.
const manifest = "steamapps/appmanifest_222860.acf"

const maxText = 256 << 10 // bytes; limit for files of the game

// manifestOf reads SteamCMD's manifest from a stack.
func manifestOf(stack []string) (steamcmd.Manifest, error) {
	name, err := lookup(stack, manifest)
	if err != nil {
		return steamcmd.Manifest{}, err
	}
	return steamcmd.ReadManifest(strings.TrimSuffix(name, "/"+manifest), steamcmd.App)
}

// version returns the PatchVersion of steam.inf, such as 2.2.4.3, or "".
func version(stack []string) string {
	text, err := readTop(stack, "left4dead2/steam.inf")
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if value = strings.TrimSpace(value); ok && strings.EqualFold(strings.TrimSpace(key), "PatchVersion") && isVersion(value) {
			return value
		}
	}
	return ""
}

func isVersion(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "0123456789.") == ""
}

// readTop reads a small file as a server with this stack would see it.
func readTop(stack []string, rel string) (string, error) {
	name, err := lookup(stack, rel)
	if err != nil {
		return "", err
	}
	// Don't block on a pipe that the game's user may have created.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a plain file", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxText))
	return string(b), err
}
