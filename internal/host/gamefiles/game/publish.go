package game

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

// Publish turns upper, the changes to the current build, into a build of its own and makes it
// current. The first build becomes the base. If the build exists already, the layer is added to it
// as a repair. Builds newer than the current one are dropped, because a rollback has replaced them.
// Publish moves upper away.
//
// An interrupted call may be repeated. The layer may then be in place already; it is complete,
// because one rename moved it.
func (i *Installation) Publish(ctx context.Context, upper string, build int64, at time.Time) (Builds, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	b, err := Load(i.dir)
	if err != nil {
		return b, err
	}
	if build < 1 {
		return b, fmt.Errorf("publish build %d: it has no number", build)
	}
	name, below := "base", []string(nil)
	if now, ok := b.Get(b.Current); ok {
		name, below = fmt.Sprintf("update-%d", build), now.Layers
	}
	name = b.free(name)
	if len(below)+1 > maxLayers {
		return b, left4me.NewError(left4me.Unavailable, "game.too_many_layers", "count", len(below))
	}
	if err := i.move(ctx, upper, name); err != nil {
		return b, fmt.Errorf("publish build %d: %w", build, err)
	}
	layers := append([]string{name}, below...)
	x := describe(i.dir, layers)
	x.Build, x.InstalledAt = build, at.UTC()
	if x.Bytes, err = usage(filepath.Join(i.dir, name)); err != nil {
		return b, err
	}
	b.Builds = slices.DeleteFunc(b.Builds[max(0, b.index(b.Current)):], func(old Build) bool { return old.Build == build })
	b.Builds = append([]Build{x}, b.Builds...)
	b.Current, b.Latest = build, max(b.Latest, build)
	b.Required, b.CheckNote, b.CheckNotes = "", "", nil // they describe the previous build
	return b, save(i.dir, b)
}

// move syncs a layer to disk and moves it into the installation. The layer stays unused until
// builds.json names it.
func (i *Installation) move(ctx context.Context, upper, name string) error {
	to := filepath.Join(i.dir, name)
	if _, err := os.Lstat(upper); errors.Is(err, fs.ErrNotExist) && complete(i.dir, []string{name}) {
		return nil // an earlier call has moved the layer already
	}
	if err := isWritten(upper); err != nil {
		return err
	}
	if err := i.makeDir(); err != nil {
		return err
	}
	if err := i.discard(ctx, to); err != nil { // unused, because no build names it
		return err
	}
	if err := i.share(ctx, upper); err != nil {
		return err
	}
	if err := syncTree(upper); err != nil {
		return err
	}
	if err := os.Rename(upper, to); err != nil {
		if errors.Is(err, unix.EXDEV) {
			return left4me.NewError(left4me.Unavailable, "game.other_file_system")
		}
		return err
	}
	return errors.Join(durable.SyncDir(filepath.Dir(upper)), durable.SyncDir(i.dir))
}

// isWritten checks that the layer written by SteamCMD is a directory. A program other than Valve's
// could have left a link to a mounted layer.
func isWritten(upper string) error {
	st, err := os.Lstat(upper)
	if err == nil && !st.IsDir() {
		err = left4me.NewError(left4me.Unavailable, "game.layer_exchanged", "dir", upper)
	}
	return err
}

// share makes a layer accessible to the game's group: the game may read the files and, through its
// own writable layer, change them. Other users get no write permission.
func (i *Installation) share(ctx context.Context, layer string) error {
	if i.group < 0 {
		return nil
	}
	return filepath.WalkDir(layer, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.Type()&^fs.ModeDir != 0 { // symbolic links and whiteouts
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		if err := os.Lchown(name, -1, i.group); err != nil {
			return fmt.Errorf("%w: add the user left4me to the game's group", err)
		}
		perm := st.Mode().Perm()&^0o002 | 0o060
		if d.IsDir() || perm&0o100 != 0 {
			perm |= 0o010
		}
		mode := perm
		if d.IsDir() {
			mode |= st.Mode() & fs.ModeSetgid
		}
		return os.Chmod(name, mode)
	})
}

// Changes counts the differences between a layer and the layers below it.
type Changes struct {
	Files int   // written or removed files
	Bytes int64 // size of the written files
}

// Compare counts the changes to the current build, except SteamCMD's own files. It removes files
// that equal those of the current build, so that the layer contains only differences.
func (i *Installation) Compare(ctx context.Context, upper string) (Changes, error) {
	if err := isWritten(upper); err != nil {
		return Changes{}, err
	}
	stack, err := i.Stack()
	if err != nil {
		return Changes{}, err
	}
	// Directories that SteamCMD leaves after a download.
	for _, d := range []string{"downloading", "temp"} {
		if err := os.RemoveAll(filepath.Join(upper, "steamapps", d)); err != nil {
			return Changes{}, err
		}
	}
	c := comparison{ctx: ctx, buf: make([]byte, 2*compareBlock)}
	if isOpaque(upper) {
		stack = nil
	}
	err = c.dir(upper, stack, true)
	return c.Changes, err
}

// Judge checks the result of an update before it is published: upper on top of the current build
// must be a complete installation. It returns the number of the new build. Errors:
// left4me.Unavailable.
func (i *Installation) Judge(upper string) (build int64, err error) {
	if err := isWritten(upper); err != nil {
		return 0, err
	}
	stack, err := i.Stack()
	if err != nil {
		return 0, err
	}
	stack = append([]string{upper}, stack...)
	m, err := manifestOf(stack)
	if err != nil {
		return 0, left4me.NewError(left4me.Unavailable, "steamcmd.no_manifest").Because(err)
	}
	if m.StateFlags != steamcmd.Installed || m.Build < 1 {
		return 0, left4me.NewError(left4me.Unavailable, "game.incomplete", "state", m.StateFlags)
	}
	for _, name := range []string{"srcds_run", "srcds_linux"} {
		if _, err := lookup(stack, name); err != nil {
			return 0, left4me.NewError(left4me.Unavailable, "game.file_missing", "file", name).Because(err)
		}
	}
	return m.Build, nil
}
