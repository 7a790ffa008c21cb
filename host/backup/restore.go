package backup

import (
	"archive/tar"
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

	"github.com/left4me/left4me"
)

// Target is where a backup is laid out.
type Target struct {
	Root     string // LEFT4ME_ROOT; it is made when it isn't there
	Settings string // where the *.env files go; empty when they stay in the archive
	Schema   int64  // the newest database that this left4me reads
	Force    bool   // what is there is put aside
	Now      time.Time
}

// Restored is what was laid out.
type Restored struct {
	Head    Head     `json:"backup"`
	Files   int64    `json:"files"`
	Bytes   int64    `json:"bytes"`
	Aside   string   `json:"aside,omitempty"`   // where what was there is now
	Missing []string `json:"missing,omitempty"` // what has to be downloaded again
	Game    bool     `json:"game"`              // it is installed
	Build   int64    `json:"build"`             // of the game that servers ran on
	Written []string `json:"settings"`          // files of settings that were written
	Kept    []string `json:"settings_kept"`     // those that stayed in the archive
}

// replaced is what a restore replaces of a root. The bus goes with the database:
// it holds work of the one that was. The database comes last, so that a root is
// whole when it has one.
var replaced = []string{"bus", "overlays", "instances", "runtime", databaseName + "-wal", databaseName + "-shm", databaseName}

// Restore lays an archive out: everything is written beneath ROOT/tmp and checked
// first, and only then renamed into its place. Whoever calls it holds the lock of
// the root, and no server runs. Errors: left4me.Conflict when something is there
// already, left4me.Invalid when the archive isn't good.
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
	space, err := freeSpace(t.Root)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	root, err := top.OpenRoot(stage)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	defer root.Close()
	out := &layout{target: t, root: root, to: to}
	c, err := read(ctx, r, max(space-Reserve, 0), out)
	if err == nil && len(c.Differ) > 0 {
		err = damaged("%s", strings.Join(c.Differ[:min(3, len(c.Differ))], ", "))
	}
	if errors.Is(err, ErrDamaged) {
		return Restored{}, &left4me.Error{
			Kind: left4me.Invalid, Text: "the backup can't be used: " + strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": "), Hint: "nothing was changed; use another backup", Err: err,
		}
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

// receivers says who gets the files. Only root can give them away; and where the
// game has a user of its own, left4me's can't make files for it.
func (t Target) receivers() (*receivers, error) {
	them, both := packaged()
	uid := os.Geteuid()
	switch {
	case both && uid == them.own.uid:
		return nil, left4me.Errorf(left4me.Denied, "only root can give files to "+gameUser, "run this as root")
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

// free sees that nothing is lost.
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
		return left4me.Errorf(left4me.Conflict, p+" is there already", "restore to an empty root, or say --force: what is there is put aside")
	}
	return nil
}

// stage opens the root and makes the directory in it that everything is written
// to first. What a restore that was killed left is removed. The root belongs to
// left4me's user: root follows nothing that leads out of it.
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
		if err = top.Mkdir("tmp", 0o700); err == nil {
			err = give(top, "tmp", to)
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

// removeAll removes what was laid out, whatever modes its directories have.
func removeAll(top *os.Root, p string) error {
	if top.RemoveAll(p) == nil {
		return nil
	}
	_ = fs.WalkDir(top.FS(), p, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = top.Chmod(p, 0o700) // before it is read
		}
		return nil
	})
	return top.RemoveAll(p)
}

// layout is the sink of Restore: it writes beneath root and nowhere else.
type layout struct {
	target   Target
	root     *os.Root
	to       *receivers
	dirs     []*tar.Header // their modes and times come last
	settings []string
	files    int64
	bytes    int64
}

func (l *layout) begin(h Head) error {
	if h.Schema > l.target.Schema {
		return left4me.Errorf(left4me.Invalid,
			fmt.Sprintf("the backup is of left4me %s, whose database is version %d; this left4me knows up to %d", h.Version, h.Schema, l.target.Schema),
			"install that left4me, or a newer one")
	}
	return l.root.Mkdir(settingsDir, 0o700)
}

func (l *layout) entry(h *tar.Header, in tree, content io.Reader) error {
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
		l.dirs = append(l.dirs, h)
		err = l.root.Mkdir(h.Name, 0o700)
	case tar.TypeReg:
		err = l.file(h, in, content)
	case tar.TypeLink:
		return l.root.Link(h.Linkname, h.Name) // it has owner and mode with its file
	case tar.TypeSymlink:
		err = l.root.Symlink(h.Linkname, h.Name)
	case tar.TypeChar:
		err = l.whiteout(h.Name)
	}
	if err != nil {
		return err
	}
	if l.to != nil {
		top, _, _ := strings.Cut(h.Name, "/")
		o := l.to.of(in, top, h.Uname, h.Gname)
		if err := l.root.Lchown(h.Name, o.uid, o.gid); err != nil {
			return err
		}
		if h.Typeflag == tar.TypeReg {
			return l.root.Chmod(h.Name, fileMode(h.Mode)) // changing the owner may have changed it
		}
	}
	return nil
}

func (l *layout) file(h *tar.Header, in tree, content io.Reader) error {
	if err := l.root.Remove(h.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // the one that it replaces
	}
	f, err := l.root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := writeSparse(f, content, h.Size); err != nil {
		return err
	}
	if err := setXattrs(f, h); err != nil {
		return err
	}
	mode := fileMode(h.Mode)
	if h.Name == databaseName || path.Dir(h.Name) == settingsDir {
		mode = 0o600
	}
	if path.Dir(h.Name) == settingsDir {
		l.settings = append(l.settings, path.Base(h.Name))
	}
	if err := errors.Join(f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	l.files++
	l.bytes += h.Size
	return l.root.Chtimes(h.Name, h.ModTime, h.ModTime)
}

// writeSparse writes content and leaves holes where it is zero: a game makes
// files that are mostly that.
func writeSparse(f *os.File, content io.Reader, size int64) error {
	buf := make([]byte, 64<<10)
	zero := make([]byte, len(buf))
	var at int64
	for {
		n, err := io.ReadFull(content, buf)
		if n > 0 && !bytes.Equal(buf[:n], zero[:n]) {
			if _, werr := f.WriteAt(buf[:n], at); werr != nil {
				return werr
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && at == size {
			return f.Truncate(at)
		}
		if err != nil {
			return err
		}
	}
}

func setXattrs(f *os.File, h *tar.Header) error {
	for k, v := range h.PAXRecords {
		if name, ok := strings.CutPrefix(k, xattrPrefix); ok {
			if err := unix.Fsetxattr(int(f.Fd()), name, []byte(v), 0); err != nil {
				return fmt.Errorf("%q: attribute %s: %w", h.Name, name, err)
			}
		}
	}
	return nil
}

// whiteout makes the device 0:0, which the kernel lets everybody make since 5.8.
func (l *layout) whiteout(name string) error {
	dir, err := l.root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Mknodat(int(dir.Fd()), path.Base(name), unix.S_IFCHR, 0); err != nil {
		return &os.PathError{Op: "mknod", Path: name, Err: err}
	}
	return nil
}

// finish gives the directories what would have been in the way before, the
// innermost first.
func (l *layout) finish() error {
	for _, h := range slices.Backward(l.dirs) {
		d, err := l.root.Open(h.Name)
		if err != nil {
			return err
		}
		err = errors.Join(setXattrs(d, h), d.Chmod(fileMode(h.Mode)), d.Close(), l.root.Chtimes(h.Name, h.ModTime, h.ModTime))
		if err != nil {
			return err
		}
	}
	top, err := l.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(top.Fd())), top.Close())
}

func fileMode(mode int64) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	if mode&unix.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&unix.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}

// link links what is in the caches of the root into the overlays that had it, and
// names what isn't there.
func (t Target) link(ctx context.Context, top *os.Root, stage string, references []Reference) ([]string, error) {
	var missing []string
	for _, r := range references {
		cache, _, _ := strings.Cut(r.Path, "/")
		if !tidy(r.Path) || !slices.Contains(caches, cache) || !same(ctx, top, r) {
			if len(missing) < math.MaxInt16 {
				missing = append(missing, r.Path)
			}
			continue
		}
		for _, l := range r.Links {
			if in, ok := place(l); !ok || in.top == "" || in.game {
				return nil, damaged("%q is refused: it is no file of an overlay", l)
			}
			if err := top.Link(r.Path, path.Join(stage, l)); err != nil {
				return nil, err
			}
		}
	}
	return missing, nil
}

// same reports whether a file of a cache is the one that a reference means.
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

// settings writes the files of settings where that is wanted.
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
				return left4me.Errorf(left4me.Conflict, p+" is there already", "leave --settings out, or say --force: what is there is put aside")
			}
			if err := os.Rename(p, p+"."+left4me.BackupTime(t.Now)); err != nil {
				return err
			}
		}
		if err := writeSettings(p, text, to); err != nil {
			return err
		}
		done.Written = append(done.Written, p)
	}
	return nil
}

func writeSettings(p string, text []byte, to *receivers) error {
	f, err := os.CreateTemp(filepath.Dir(p), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if to != nil { // root's, and for left4me to read
		err = errors.Join(err, f.Chown(0, to.own.gid), f.Chmod(0o640))
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), p)
}

// publish puts aside what is there and renames what was laid out into its place.
func (t Target) publish(top *os.Root, stage string) (aside string, err error) {
	dir := "before-restore-" + left4me.BackupTime(t.Now)
	for _, name := range slices.Backward(replaced) { // the database first
		st, err := top.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && st.IsDir() && top.Remove(name) == nil {
			continue // it isn't there, or was empty
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
	return aside, syncDir(t.Root)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
