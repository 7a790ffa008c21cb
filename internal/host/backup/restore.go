package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// Target describes where a backup is restored.
type Target struct {
	Root     string // LEFT4ME_ROOT; created if missing
	Settings string // directory for the *.env files; empty: they stay in the archive
	Schema   int64  // newest schema version that this left4me supports
	Force    bool   // put existing files aside
	Now      time.Time
}

// Restored describes the result of a restore.
type Restored struct {
	Head    Head     `json:"backup"`
	Files   int64    `json:"files"`
	Bytes   int64    `json:"bytes"`
	Aside   string   `json:"aside,omitempty"`   // directory with the files put aside
	Missing []string `json:"missing,omitempty"` // files that must be downloaded again
	Game    bool     `json:"game"`              // whether the game is installed
	Build   int64    `json:"build"`             // build of the game when the backup was made
	Written []string `json:"settings"`          // settings files that were written
	Kept    []string `json:"settings_kept"`     // settings files that stayed in the archive
}

// replaced lists the entries of a root that a restore replaces. It includes the bus, whose queue
// belongs to the old database. The database comes last: a root that has one is complete.
var replaced = []string{"bus", "overlays", "instances", "runtime", databaseName + "-wal", databaseName + "-shm", databaseName}

// Restore restores an archive. It writes everything under ROOT/tmp and checks it before renaming it
// into place. The caller holds the lock of the root, and no server runs. Errors: left4me.Conflict
// if files exist already; left4me.Invalid if the archive is damaged.
func Restore(ctx context.Context, r io.Reader, t Target) (Restored, error) {
	to, err := t.receivers()
	if err != nil {
		return Restored{}, err
	}
	if err := t.free(); err != nil {
		return Restored{}, err
	}
	top, stage, err := t.stage(to)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	defer top.Close()
	defer removeAll(top, stage) //nolint:errcheck // the next restore tries again
	space, err := disk.Free(t.Root)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	root, err := top.OpenRoot(stage)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	defer root.Close()
	out := &layout{target: t, root: root, to: to}
	c, err := read(ctx, r, max(space-Margin, 0), out)
	if err == nil && len(c.Differ) > 0 {
		err = damaged("%s", strings.Join(c.Differ[:min(3, len(c.Differ))], ", "))
	}
	if errors.Is(err, ErrDamaged) {
		return Restored{}, left4me.NewError(left4me.Invalid, "backup.unusable", "reason",
			strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": ")).Because(err)
	}
	if err == nil {
		err = out.finish()
	}
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", full(err, t.Root))
	}
	done := Restored{Head: c.Head, Build: c.Build, Files: out.files, Bytes: out.bytes, Written: []string{}, Kept: []string{}}
	if done.Missing, err = t.link(ctx, top, stage, c.References); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	if err := t.settings(root, out.settings, &done, to); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	if done.Aside, err = t.publish(top, stage); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	_, err = os.Stat(filepath.Join(t.Root, "installation", "base"))
	done.Game = err == nil
	return done, nil
}

// receivers returns the owners of the restored files. Only root can change owners, and if the game
// has its own user, left4me's user cannot create files for it.
func (t Target) receivers() (*receivers, error) {
	them, both := packaged()
	uid := os.Geteuid()
	switch {
	case both && uid == them.own.uid:
		return nil, left4me.NewError(left4me.Denied, "restore.not_root", "user", gameUser)
	case uid != 0:
		return nil, nil
	}
	var st unix.Stat_t
	err := unix.Stat(t.Root, &st)
	switch {
	case errors.Is(err, unix.ENOENT) && both, err == nil && both && int(st.Uid) == them.own.uid:
		return them, nil
	case err == nil:
		own := owner{int(st.Uid), int(st.Gid)}
		return &receivers{own: own, game: own}, nil
	case errors.Is(err, unix.ENOENT):
		return nil, nil
	}
	return nil, &os.PathError{Op: "stat", Path: t.Root, Err: err}
}

// free returns an error if the restore would replace existing files without Force.
func (t Target) free() error {
	if t.Force {
		return nil
	}
	for _, name := range replaced {
		p := filepath.Join(t.Root, name)
		st, err := os.Lstat(p)
		if errors.Is(err, fs.ErrNotExist) || name == "bus" {
			continue
		}
		if err == nil && st.IsDir() {
			if entries, err := os.ReadDir(p); err == nil && len(entries) == 0 {
				continue
			}
		}
		return left4me.NewError(left4me.Conflict, "restore.root_not_empty", "path", p)
	}
	return nil
}

// stage opens the root, removes what a killed restore left, and creates the directory to which
// everything is written first. The root belongs to left4me's user, so all access goes through
// os.Root, which no symbolic link leaves.
func (t Target) stage(to *receivers) (top *os.Root, stage string, err error) {
	_, err = os.Lstat(t.Root)
	made := errors.Is(err, fs.ErrNotExist)
	if made {
		if err := os.MkdirAll(t.Root, 0o751); err != nil {
			return nil, "", err
		}
	}
	if top, err = os.OpenRoot(t.Root); err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			top.Close()
		}
	}()
	if made {
		err = give(top, ".", to)
	}
	if err == nil {
		if err = top.Mkdir("tmp", 0o751); err == nil {
			// Builds pass through this directory, so its mode must not depend on the umask.
			err = errors.Join(top.Chmod("tmp", 0o751), give(top, "tmp", to))
		} else if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err != nil {
		return nil, "", err
	}
	old, err := fs.Glob(top.FS(), "tmp/restore-*")
	for _, o := range old {
		err = errors.Join(err, removeAll(top, o))
	}
	if err != nil {
		return nil, "", err
	}
	stage = "tmp/restore-" + rand.Text()
	return top, stage, top.Mkdir(stage, 0o700)
}

func give(top *os.Root, p string, to *receivers) error {
	if to == nil {
		return nil
	}
	return top.Lchown(p, to.own.uid, to.own.gid)
}

// removeAll removes a tree, even if its directories have no permissions.
func removeAll(top *os.Root, p string) error {
	if top.RemoveAll(p) == nil {
		return nil
	}
	_ = fs.WalkDir(top.FS(), p, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = top.Chmod(p, 0o700) // called before the directory is read
		}
		return nil
	})
	return top.RemoveAll(p)
}

// link hard-links files from the root's caches into the overlays that contained them. It returns
// the files that are not in the caches.
func (t Target) link(ctx context.Context, top *os.Root, stage string, references []Reference) ([]string, error) {
	var missing []string
	for _, r := range references {
		cache, _, _ := strings.Cut(r.Path, "/")
		if !validPath(r.Path) || !slices.Contains(caches, cache) || !same(ctx, top, r) {
			if len(missing) < math.MaxInt16 {
				missing = append(missing, r.Path)
			}
			continue
		}
		for _, l := range r.Links {
			if in, ok := partOf(l); !ok || in.top == "" || in.game {
				return nil, damaged("%q is refused: it is no file of an overlay", l)
			}
			if err := top.Link(r.Path, path.Join(stage, l)); err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// same reports whether a cached file has the size and checksum of a reference.
func same(ctx context.Context, top *os.Root, r Reference) bool {
	f, err := top.OpenFile(r.Path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() != r.Size {
		return false
	}
	sum := sha256.New()
	_, err = io.Copy(sum, &bounded{ctx: ctx, r: f})
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == r.SHA256
}

// settings writes the settings files if the target has a directory for them.
func (t Target) settings(stage *os.Root, names []string, done *Restored, to *receivers) error {
	if t.Settings == "" {
		done.Kept = append(done.Kept, names...)
		return nil
	}
	if err := os.MkdirAll(t.Settings, 0o750); err != nil {
		return err
	}
	for _, n := range names {
		text, err := stage.ReadFile(path.Join(settingsDir, n))
		if err != nil {
			return err
		}
		p := filepath.Join(t.Settings, n)
		if _, err := os.Lstat(p); err == nil {
			if !t.Force {
				return left4me.NewError(left4me.Conflict, "restore.settings_exist", "path", p)
			}
			if err := os.Rename(p, p+"."+left4me.BackupTime(t.Now)); err != nil {
				return err
			}
		}
		if err := writeSettings(p, ownSettings(text), to); err != nil {
			return err
		}
		done.Written = append(done.Written, p)
	}
	return nil
}

// ownSettings turns every line that is not a setting of left4me into a comment. systemd also passes
// these files to programs that root runs, and the creator of the archive must not control what
// those load. Like systemd, it treats both CR and LF as line ends.
func ownSettings(text []byte) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text))) {
		if said := strings.TrimLeft(line, " \t"); !strings.HasPrefix(said, "LEFT4ME_") && strings.Trim(said, "\n") != "" &&
			!strings.ContainsAny(said[:1], "#;") {
			out.WriteByte('#')
		}
		out.WriteString(line)
	}
	return out.Bytes()
}

func writeSettings(p string, text []byte, to *receivers) error {
	if to != nil { // owned by root and readable by left4me
		return durable.WriteFile(p, text, 0o640, func(f *os.File) error { return f.Chown(0, to.own.gid) })
	}
	return durable.WriteFile(p, text, 0o600)
}

// publish puts existing files aside and moves the restored files into place.
func (t Target) publish(top *os.Root, stage string) (aside string, err error) {
	dir := "before-restore-" + left4me.BackupTime(t.Now)
	for _, name := range slices.Backward(replaced) { // the database first
		st, err := top.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && st.IsDir() && top.Remove(name) == nil {
			continue // missing, or an empty directory
		}
		if aside == "" {
			if err := top.Mkdir(dir, 0o700); err != nil {
				return "", err
			}
			aside = filepath.Join(t.Root, dir)
		}
		if err := top.Rename(name, path.Join(dir, name)); err != nil {
			return aside, err
		}
	}
	for _, name := range replaced {
		err := top.Rename(path.Join(stage, name), name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return aside, err
		}
	}
	return aside, durable.SyncDir(t.Root)
}
