package instance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// Defaults of instance.env.
const (
	readyWithin = 120 * time.Second
	watchdog    = 90 * time.Second // loading a map can take half a minute without an answer
)

// Files writes and removes the files of servers on a host. Calls for different servers may be
// concurrent; calls for one server must not.
type Files struct {
	Root Root
	// Group is the group ID for files that the game may read or write; -1 if the game runs as the
	// agent's user.
	Group int
	// SteamCMD is the directory set by LEFT4ME_STEAMCMD; empty for the copy that left4me downloads into
	// the root.
	SteamCMD string
}

// Prepare creates everything that a start requires: directories, a generation of the config layer, and
// instance.env. Existing files that are correct are kept. The server must be down. If ctx ends, Prepare
// stops between two files, and the next call completes or removes what it wrote. Errors:
// left4me.NotFound if content is missing on this host.
func (f Files) Prepare(ctx context.Context, spec left4me.Spec) error {
	n := spec.Name
	if !n.Valid() {
		return left4me.NewError(left4me.Invalid, "name.not_a_name", "name", n).InField("name")
	}
	layers, build, err := f.Root.Layers(spec.Overlays)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", n, err)
	}
	if err := f.directories(n); err != nil {
		return fmt.Errorf("prepare %s: %w", n, err)
	}
	if err := f.linkSDK(n); err != nil {
		return fmt.Errorf("prepare %s: links to Steam's libraries: %w", n, err)
	}
	secret, err := f.RconPassword(n)
	if err != nil {
		return fmt.Errorf("prepare %s: %w", n, err)
	}
	generation, err := f.writeConfig(ctx, n, Config(spec, f.Root.lower(spec.Overlays), secret))
	if err != nil {
		return fmt.Errorf("prepare %s: configuration: %w", n, err)
	}
	env := Env{
		ID: spec.ID, Port: spec.Port, Args: Args(spec),
		Lowerdirs: append([]string{path.Join("instances", string(n), "config", generation)}, layers...),
		Ready:     readyWithin, Watchdog: watchdog, SpecHash: spec.Hash(), Build: build,
	}
	text, err := env.Append(nil)
	if err == nil {
		err = f.writeFile(f.Root.Env(n), text, 0o640)
	}
	if err != nil {
		return fmt.Errorf("prepare %s: %w", n, err)
	}
	return f.dropGenerations(ctx, n, generation)
}

// ReadEnv reads a server's instance.env. Errors: fs.ErrNotExist, ErrEnv.
func (r Root) ReadEnv(n left4me.Name) (Env, error) {
	file, err := os.Open(r.Env(n))
	if err != nil {
		return Env{}, err
	}
	defer file.Close()
	return ReadEnv(file)
}

// Names returns the servers that have any files on this host. It excludes the instance for installing
// the game.
func (r Root) Names() ([]left4me.Name, error) {
	all, err := r.AllNames()
	return slices.DeleteFunc(all, left4me.Name.Kept), err
}

// AllNames is like Names, but includes the names under which files of deleted servers are kept.
func (r Root) AllNames() ([]left4me.Name, error) {
	found := map[left4me.Name]bool{}
	for _, dir := range []string{"instances", "runtime"} {
		entries, err := readDir(filepath.Join(string(r), dir))
		if err != nil {
			return nil, fmt.Errorf("list instances: %w", err)
		}
		for _, e := range entries {
			if n, err := left4me.ParseName(e.Name()); err == nil && e.IsDir() && n != left4me.InstallInstance {
				found[n] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func (f Files) directories(n left4me.Name) error {
	for _, d := range []struct {
		path string
		mode fs.FileMode
	}{
		{f.Root.Instance(n), 0o750},
		{filepath.Join(f.Root.Instance(n), "config"), 0o750},
		{f.Root.Runtime(n), 0o770},
		{f.Root.Upper(n), 0o770},
		{filepath.Join(f.Root.Runtime(n), "work"), 0o770},
		{f.Root.Merged(n), 0o770},
		{f.Root.Home(n), 0o770 | fs.ModeSticky},
		{f.Root.Logs(n), 0o770},
	} {
		if err := f.directory(d.path, d.mode); err != nil {
			return err
		}
	}
	return nil
}

// directory creates dir with the game's group. An existing directory is left unchanged, because a mount
// or the game may have changed its owner or mode.
func (f Files) directory(dir string, mode fs.FileMode) error {
	err := os.MkdirAll(filepath.Dir(dir), 0o751)
	if err == nil {
		err = os.Mkdir(dir, mode)
	}
	if errors.Is(err, fs.ErrExist) {
		if st, err := os.Lstat(dir); err == nil && !st.IsDir() {
			return left4me.NewError(left4me.Conflict, "server.not_a_directory", "dir", dir)
		}
		return nil
	}
	if err != nil || f.Group < 0 {
		return err
	}
	if err := os.Chown(dir, -1, f.Group); err != nil {
		return fmt.Errorf("%w: add the user left4me to the game's group", err)
	}
	// setgid: new files in it inherit the group
	return os.Chmod(dir, mode|fs.ModeSetgid)
}

// writeFile replaces a file atomically: write a temporary file, sync, rename.
func (f Files) writeFile(name string, data []byte, mode fs.FileMode) error {
	return durable.WriteFile(name, data, mode, f.setGroup)
}

// setGroup sets the group of a written file.
func (f Files) setGroup(file *os.File) error {
	if f.Group < 0 {
		return nil
	}
	return file.Chown(-1, f.Group)
}

// RconPassword returns the RCON password of a server. The first call generates it.
func (f Files) RconPassword(n left4me.Name) (string, error) {
	name := filepath.Join(f.Root.Instance(n), "rcon")
	b, err := os.ReadFile(name)
	if err == nil && len(b) > 16 {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret := rand.Text()
	return secret, f.writeFile(name, []byte(secret+"\n"), 0o600)
}

// writeConfig returns the generation that contains exactly files: the newest one, or a new one, which
// is published by a rename.
func (f Files) writeConfig(ctx context.Context, n left4me.Name, files map[string]string) (string, error) {
	dir := filepath.Join(f.Root.Instance(n), "config")
	newest, err := newestGeneration(dir)
	if err != nil {
		return "", err
	}
	if current := strconv.Itoa(newest); generationEquals(ctx, filepath.Join(dir, current), files) {
		return current, nil
	}
	next := strconv.Itoa(newest + 1)
	tmp := filepath.Join(dir, ".new-"+next)
	if err := os.RemoveAll(tmp); err != nil {
		return "", err
	}
	if err := f.directory(tmp, 0o770); err != nil {
		return "", err
	}
	for _, name := range sortedKeys(files) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := f.writeLayerFile(tmp, name, files[name]); err != nil {
			return "", err
		}
	}
	if err := os.Rename(tmp, filepath.Join(dir, next)); err != nil {
		return "", err
	}
	return next, durable.SyncDir(dir)
}

var errDiffers = errors.New("it holds something else")

// generationEquals reports whether a generation contains exactly files. It reads all of them each time, without
// following symbolic links: the game may have changed them, and a power failure may have left them
// incomplete.
func generationEquals(ctx context.Context, generation string, files map[string]string) bool {
	root, err := os.OpenRoot(generation)
	if err != nil {
		return false
	}
	defer root.Close()
	found := 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		want, ok := files[name]
		st, err := d.Info()
		if !ok || err != nil || !st.Mode().IsRegular() || st.Size() != int64(len(want)) {
			return errDiffers
		}
		if b, err := root.ReadFile(name); err != nil || string(b) != want {
			return errDiffers
		}
		found++
		return nil
	})
	return err == nil && found == len(files)
}

// writeLayerFile writes one file of a layer. The game must be able to create files next to it:
// directories in the merged tree have the modes of the topmost layer.
func (f Files) writeLayerFile(layer, name, text string) error {
	dir := layer
	for _, part := range strings.Split(path.Dir(name), "/") {
		dir = filepath.Join(dir, part)
		if err := f.directory(dir, 0o770); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(filepath.Join(layer, filepath.FromSlash(name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, f.setGroup(file), file.Chmod(0o640), durable.Close(file))
}

func newestGeneration(dir string) (int, error) {
	entries, err := readDir(dir)
	if err != nil {
		return 0, err
	}
	newest := 0
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil {
			newest = max(newest, n)
		}
	}
	return newest, nil
}

// dropGenerations removes all generations except keep. They are not mounted, because the server is
// down.
func (f Files) dropGenerations(ctx context.Context, n left4me.Name, keep string) error {
	dir := filepath.Join(f.Root.Instance(n), "config")
	entries, err := readDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Name() != keep {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove old configuration of %s: %w", n, err)
			}
		}
	}
	return nil
}

// Exists reports whether a server has any files on this host.
func (r Root) Exists(n left4me.Name) bool {
	for _, dir := range []string{r.Instance(n), r.Runtime(n), r.Logs(n)} {
		if _, err := os.Lstat(dir); err == nil {
			return true
		}
	}
	return false
}

func sortedKeys(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }
