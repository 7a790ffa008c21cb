package instance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/mountinfo"
)

// asidePrefix is the prefix for directories with files that could not be removed. They are in tmp or,
// if moving them there fails, next to their original location with a leading dot.
const asidePrefix = "aside-"

// places are the directories that may contain an entry for a server. instances is last: as long as the
// instance exists, the server is known to be half-removed.
var places = []string{"runtime", "logs", "instances"}

// GatherLogs moves the logs of a server that is about to be removed into its runtime directory, because
// files that a plugin left in the logs can be removed only by the game's user, as whom that directory
// is emptied. Errors are ignored; Remove handles what remains.
func (f Files) GatherLogs(n left4me.Name) {
	logs, err := gameuser.OpenDir(string(f.Root), "logs")
	if err != nil {
		return
	}
	defer logs.Close()
	if err := f.directory(f.Root.Runtime(n), 0o770); err != nil {
		return
	}
	runtime, err := gameuser.OpenDir(string(f.Root), path.Join("runtime", string(n)))
	if err != nil {
		return
	}
	defer runtime.Close()
	_ = unix.Renameat(int(logs.Fd()), string(n), int(runtime.Fd()), "logs-"+rand.Text())
}

// Remove removes everything that a server has on this host. Nothing of it may be mounted. Missing parts
// are no error, so Remove works on an incomplete instance and can be repeated. Files that this user may
// not remove are moved aside, so that the name is free; warning then names their location, their owner
// and a command that removes them. Errors: left4me.Busy if a file system is mounted, and left4me.Denied if
// files can't be moved aside either.
func (f Files) Remove(ctx context.Context, n left4me.Name) (warning left4me.Note, err error) {
	return f.remove(ctx, n, places...)
}

// RemoveRuntime is like Remove, limited to the runtime directory with the game's files.
func (f Files) RemoveRuntime(ctx context.Context, n left4me.Name) (warning left4me.Note, err error) {
	return f.remove(ctx, n, "runtime")
}

func (f Files) remove(ctx context.Context, n left4me.Name, from ...string) (warning left4me.Note, err error) {
	if !n.Valid() {
		return warning, left4me.NewError(left4me.Invalid, "name.not_a_name", "name", n).InField("name")
	}
	a := aside{root: string(f.Root), name: asidePrefix + string(n) + "-" + strings.ToLower(rand.Text()[:8])}
	for _, place := range from {
		if err := f.removeFrom(ctx, place, n, &a); err != nil {
			return warning, fmt.Errorf("remove %s: %w", n, err)
		}
	}
	return a.warning(), nil
}

func (f Files) removeFrom(ctx context.Context, place string, n left4me.Name, a *aside) error {
	dir, err := gameuser.OpenDir(string(f.Root), place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	err = gameuser.Remove(ctx, dir, string(n))
	var left *gameuser.LeftError
	if !errors.As(err, &left) {
		return err
	}
	return a.put(dir, place, n, left)
}

// aside is the destination for files that one removal can't remove.
type aside struct {
	root, name string
	dirs       []string // non-empty destinations
	first      string   // the first such file
	owner      string   // its owner
}

// put renames place/n into tmp. If the kernel refuses to move a directory of another owner to a
// different parent, put renames it within place.
func (a *aside) put(dir *os.File, place string, n left4me.Name, left *gameuser.LeftError) error {
	at := filepath.Join(a.root, place, string(n))
	if on, err := mountBeneath(at); err != nil || on != "" {
		return errors.Join(err, left4me.NewError(left4me.Busy, "server.mounted", "path", on, "word", left4me.ShellWord(on)))
	}
	to := filepath.Join(a.root, "tmp", a.name)
	err := os.MkdirAll(filepath.Dir(to), 0o751)
	if err == nil {
		err = os.MkdirAll(to, 0o700)
	}
	if err == nil {
		err = os.Rename(at, filepath.Join(to, place))
	}
	if err != nil {
		_ = os.Remove(to) // fails if it is not empty
		to = filepath.Join(a.root, place, "."+a.name)
		err = unix.Renameat(int(dir.Fd()), string(n), int(dir.Fd()), "."+a.name)
	}
	if errors.Is(err, unix.EROFS) { // the owner doesn't matter
		return fmt.Errorf("remove %s: %w", at, err)
	}
	inside := strings.TrimPrefix(strings.TrimPrefix(left.Path, string(n)), "/")
	what, whose := quote(path.Join(place, string(n), inside)), owner(left.UID, left.GID)
	if err != nil {
		return left4me.NewError(left4me.Denied, "server.not_removable", "path", what, "owner", whose, "word",
			left4me.ShellWord(at)).Because(errors.Join(left, err))
	}
	if a.first == "" {
		a.first, a.owner = what, whose
	}
	if len(a.dirs) == 0 || a.dirs[len(a.dirs)-1] != to {
		a.dirs = append(a.dirs, to)
	}
	return nil
}

func (a *aside) warning() left4me.Note {
	if len(a.dirs) == 0 {
		return left4me.Note{}
	}
	return left4me.NewNote("server.files_moved_aside", "path", a.first, "owner", a.owner,
		"dirs", strings.Join(a.dirs, ", "), "command", left4me.Remedy{
			Commands: []string{removeCommand(a.dirs...)}, AsRoot: true,
		})
}

func removeCommand(dirs ...string) string {
	words := []string{"rm", "-rf"}
	for _, d := range dirs {
		words = append(words, left4me.ShellWord(d))
	}
	return strings.Join(words, " ")
}

// Aside is a directory with files that left4me could not remove.
type Aside struct {
	Dir     string
	Command string // removes it, to be run by root
}

// Asides lists the directories of files moved aside on this host. Directories that can't be listed are
// skipped.
func (r Root) Asides() []Aside {
	var all []Aside
	for _, place := range append([]string{"tmp"}, places...) {
		prefix := "." + asidePrefix
		if place == "tmp" {
			prefix = asidePrefix
		}
		entries, _ := readDir(filepath.Join(string(r), place))
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), prefix) {
				dir := filepath.Join(string(r), place, e.Name())
				all = append(all, Aside{Dir: dir, Command: removeCommand(dir)})
			}
		}
	}
	return all
}

// mountBeneath returns a mount point at or below dir in this process's mount namespace, or "".
func mountBeneath(dir string) (string, error) {
	points, err := mountinfo.Self()
	if i := slices.IndexFunc(points, func(point string) bool { return mountinfo.Under(point, dir) }); i >= 0 {
		return points[i], err
	}
	return "", err
}

// quote quotes and shortens a path, because a plugin may have chosen a long one with newlines.
func quote(p string) string {
	const most = 200
	short := p
	if len(short) > most {
		short = strings.ToValidUTF8(short[:most], "") + "…"
	}
	if q := strconv.QuoteToGraphic(short); q != `"`+p+`"` {
		return q
	}
	return p
}

// owner returns user:group by name, or by ID if there is no name.
func owner(uid, gid uint32) string {
	u, g := strconv.FormatUint(uint64(uid), 10), strconv.FormatUint(uint64(gid), 10)
	if found, err := user.LookupId(u); err == nil {
		u = found.Username
	}
	if found, err := user.LookupGroupId(g); err == nil {
		g = found.Name
	}
	return u + ":" + g
}

// Size returns the disk space in bytes that a server's own files take. What cannot be read, or not before
// ctx ends, is left out.
func (r Root) Size(ctx context.Context, n left4me.Name) (total int64) {
	for _, place := range places {
		total += gameuser.Size(ctx, string(r), path.Join(place, string(n)))
	}
	return total
}
