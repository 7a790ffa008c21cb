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

// Names of layers: base, or base-BUILD when it was merged from others; and
// update-BUILD. A second one for the same build has -2 behind it, and so on.
var layerName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(base|base-[1-9][0-9]{0,17}|update-[1-9][0-9]{0,17})(-[1-9][0-9]{0,5})?$`)
})

func isLayer(name string) bool { return layerName().MatchString(name) }

// order takes a layer's name apart; what isn't there is 0.
func order(name string) (kind string, build, again int64) {
	parts := strings.Split(name, "-")
	if len(parts) > 1 {
		build, _ = strconv.ParseInt(parts[1], 10, 64)
	}
	if len(parts) > 2 {
		again, _ = strconv.ParseInt(parts[2], 10, 64)
	}
	return parts[0], build, again
}

// layersIn lists the layers that are in a directory.
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

// scan makes the builds from the directories that are there: the base, and on it
// each update by its number. Of several bases it is the one of the highest build,
// which was merged from the others.
func scan(dir string) (Builds, error) {
	b := Builds{V: fileVersion}
	names, err := layersIn(dir)
	if err != nil {
		return b, err
	}
	slices.SortFunc(names, func(x, y string) int {
		_, bx, ax := order(x)
		_, by, ay := order(y)
		return cmp.Or(cmp.Compare(bx, by), cmp.Compare(ax, ay), cmp.Compare(x, y))
	})
	base, from := "", int64(0)
	for _, n := range names {
		if kind, build, _ := order(n); kind == "base" {
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
		kind, build, _ := order(n)
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

// describe reads from a stack what it says of itself.
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

// manifest is where SteamCMD says what it installed, relative to the game.
const manifest = "steamapps/appmanifest_222860.acf"

const maxText = 256 << 10 // of what is read of the game's own words

// manifestOf reads what SteamCMD says of a stack.
func manifestOf(stack []string) (steamcmd.Manifest, error) {
	name, err := lookup(stack, manifest)
	if err != nil {
		return steamcmd.Manifest{}, err
	}
	return steamcmd.ReadManifest(strings.TrimSuffix(name, "/"+manifest), steamcmd.App)
}

// version is PatchVersion of steam.inf: 2.2.4.3; empty when it doesn't say.
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

// readTop reads a small file as a server that has the stack would see it.
func readTop(stack []string, rel string) (string, error) {
	name, err := lookup(stack, rel)
	if err != nil {
		return "", err
	}
	// The game's user may have laid a pipe there: it isn't waited for.
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
