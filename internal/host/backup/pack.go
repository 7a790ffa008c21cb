package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	tries       = 3  // attempts to read a file that keeps changing
	maxWarnings = 50 // limit for the manifest
	copyBuffer  = 256 << 10
	maxHoles    = 1 << 30  // bytes; total size of all nearly empty sparse files
	maxXattrs   = 64 << 10 // bytes per file; a PAX header is limited to 1 MiB
)

// Source describes what an archive is made from.
type Source struct {
	Root     string // LEFT4ME_ROOT
	Settings string // directory of the *.env files; empty if there is none
	Database string // a copy that does not change
	Head     Head
	// Progress receives the bytes read so far, and the expected total.
	Progress func(done, total int64)
}

// Size returns the number of bytes of files that an archive would contain.
func (s Source) Size(ctx context.Context) (int64, error) {
	var total int64
	seen := map[inode]bool{}
	for _, name := range caches {
		if err := s.eachCached(ctx, name, func(n node) error { seen[n.inode()] = true; return nil }); err != nil {
			return 0, err
		}
	}
	w := walker{root: s.Root, keep: revisions(s.Root), skip: func(string, error) {}}
	err := w.walk(ctx, func(n node) error {
		if n.kind() == unix.S_IFREG && !seen[n.inode()] {
			total += min(n.stat.Size, n.stat.Blocks*512) // holes need no space
			if n.stat.Nlink > 1 {
				seen[n.inode()] = true
			}
		}
		return nil
	})
	if st, serr := os.Stat(s.Database); serr == nil {
		total += st.Size()
	}
	return total, err
}

// packer writes an archive.
type packer struct {
	Source
	ctx      context.Context
	tar      *tar.Writer
	manifest Manifest
	links    map[linked]string // first path of each file with several hard links
	cached   map[inode]*Reference
	owners   owners
	sum      hash.Hash
	buf      []byte
	total    int64
	done     int64
	holes    int64
}

// linked identifies a file with several hard links within one part of a root. Parts are kept apart,
// so that a restored writable layer never shares a file with a layer below.
type linked struct {
	inode
	share string
}

// Pack writes an archive of s to w and returns its manifest. It skips unreadable files and adds a
// warning to the manifest. Errors are failures to write or to read the database, or ctx.Err.
func Pack(ctx context.Context, s Source, w io.Writer) (Manifest, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(4<<20))
	if err != nil {
		return Manifest{}, err
	}
	p := &packer{
		Source: s, ctx: ctx, tar: tar.NewWriter(z), links: map[linked]string{}, cached: map[inode]*Reference{},
		owners: owners{}, sum: sha256.New(), buf: make([]byte, copyBuffer),
		manifest: Manifest{Entries: []Entry{}, References: []Reference{}, Game: []string{}, Warnings: []string{}},
	}
	err = p.all()
	if err == nil {
		err = p.tar.Close()
	}
	// Close in any case: it ends the encoder's goroutines.
	if cerr := z.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("pack: %w", err)
	}
	return p.manifest, nil
}

func (p *packer) all() error {
	total, err := p.Size(p.ctx)
	if err != nil {
		return err
	}
	p.total = total
	if err := p.document(headName, p.Head); err != nil {
		return err
	}
	if err := p.single(p.Database, databaseName); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := p.settings(); err != nil {
		return err
	}
	if err := p.references(); err != nil {
		return err
	}
	w := walker{root: p.Root, keep: revisions(p.Root), skip: p.warn}
	if err := w.walk(p.ctx, p.node); err != nil {
		return err
	}
	for _, r := range p.cached {
		p.manifest.References = append(p.manifest.References, *r)
	}
	// Without an installed game, or if its layers cannot be determined, both fields stay empty.
	p.manifest.Game, p.manifest.Build, _ = instance.Root(p.Root).Layers(nil)
	return p.document(manifestName, p.manifest)
}

// warn records a file that could not be packed unchanged.
func (p *packer) warn(path string, why error) {
	var pe *os.PathError
	if errors.As(why, &pe) {
		why = pe.Err
	}
	if len(p.manifest.Warnings) < maxWarnings {
		p.manifest.Warnings = append(p.manifest.Warnings, fmt.Sprintf("%s: %v", left4me.Clip(path, maxText/2), why))
	}
}

// document writes an entry with JSON content.
func (p *packer) document(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(b)), Mode: 0o600, ModTime: p.Head.CreatedAt, Format: tar.FormatPAX}
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err = p.tar.Write(b)
	return err
}

// single packs a file from outside the root.
func (p *packer) single(from, to string) error {
	dir, err := os.OpenFile(filepath.Dir(from), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer dir.Close()
	n := node{dir: dir, name: filepath.Base(from), path: to}
	if err := unix.Fstatat(int(dir.Fd()), n.name, &n.stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if n.kind() != unix.S_IFREG {
		return errors.New("it is no file")
	}
	taken := len(p.manifest.Entries)
	if err := p.node(n); err != nil {
		return err
	}
	if len(p.manifest.Entries) == taken {
		return errors.New("it can't be read")
	}
	return nil
}

// settings packs the *.env files. An unreadable file causes only a warning: an incomplete backup is
// better than none.
func (p *packer) settings() error {
	if p.Settings == "" {
		return nil
	}
	entries, err := os.ReadDir(p.Settings)
	if err != nil {
		p.warn(p.Settings, err)
		return nil
	}
	for _, e := range entries {
		if !settingsFile(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(p.Settings, e.Name())
		if f, err := os.Open(name); err != nil {
			p.warn(name, err)
			continue
		} else if err := f.Close(); err != nil {
			return err
		}
		if err := p.single(name, settingsDir+"/"+e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// node packs a file, directory or link of the root.
func (p *packer) node(n node) error {
	h := &tar.Header{
		Name: n.path, Mode: int64(n.stat.Mode & 0o7777), ModTime: time.Unix(n.stat.Mtim.Unix()),
		Uid: int(n.stat.Uid), Gid: int(n.stat.Gid), Format: tar.FormatPAX,
	}
	h.Uname, h.Gname = p.owners.of(n.stat.Uid, n.stat.Gid)
	switch n.kind() {
	case unix.S_IFREG:
		return p.file(n, h)
	case unix.S_IFDIR:
		return p.directory(n, h)
	case unix.S_IFLNK:
		return p.symlink(n, h)
	case unix.S_IFCHR:
		if n.stat.Rdev == 0 { // overlayfs marks a removed file this way
			h.Typeflag = tar.TypeChar
			return p.entry(h, Entry{Kind: "whiteout"})
		}
	}
	p.warn(n.path, errors.New("it is no file; it was left out"))
	return nil
}

// entry writes a header and adds it to the manifest.
func (p *packer) entry(h *tar.Header, e Entry) error {
	if e.Path = h.Name; !utf8.ValidString(h.Name) {
		e.Path, e.Raw = "", []byte(h.Name)
	}
	if err := p.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("%q: %w", h.Name, err)
	}
	p.manifest.Entries = append(p.manifest.Entries, e)
	return nil
}

func (p *packer) directory(n node, h *tar.Header) error {
	f, err := n.open()
	if err != nil {
		p.warn(n.path, err)
		return nil
	}
	defer f.Close()
	h.Mode &^= unix.S_ISUID
	h.Typeflag, h.PAXRecords = tar.TypeDir, p.xattrs(f, n.path)
	return p.entry(h, Entry{Kind: "dir"})
}

func (p *packer) symlink(n node, h *tar.Header) error {
	buf := make([]byte, maxPath+1)
	size, err := unix.Readlinkat(int(n.dir.Fd()), n.name, buf)
	if err != nil {
		p.warn(n.path, err)
		return nil
	}
	h.Typeflag, h.Linkname = tar.TypeSymlink, string(buf[:size])
	if in, _ := partOf(n.path); !staysIn(in.top, n.path, h.Linkname) {
		p.warn(n.path, fmt.Errorf("it links to %q, outside; it was left out", strings.ToValidUTF8(h.Linkname, "\uFFFD")))
		return nil
	}
	return p.entry(h, Entry{Kind: "symlink"})
}

// file packs a file: as a hard link to a packed file, as a reference to a cache, or with its
// content.
func (p *packer) file(n node, h *tar.Header) error {
	in, _ := partOf(n.path)
	if n.stat.Nlink > 1 {
		if r := p.cached[n.inode()]; r != nil && !in.game {
			r.Links = append(r.Links, n.path)
			return nil
		}
		if first, ok := p.links[linked{n.inode(), in.share}]; ok {
			h.Typeflag, h.Linkname = tar.TypeLink, first
			return p.entry(h, Entry{Kind: "link"})
		}
	}
	f, err := n.open()
	if err != nil {
		p.warn(n.path, err)
		return nil
	}
	defer f.Close()
	if h.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		h.Mode &^= unix.S_ISUID | unix.S_ISGID
		p.warn(n.path, errors.New("it was setuid or setgid; it is no longer"))
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fmt.Errorf("%q: %w", h.Name, err)
	}
	if p.nearlyEmpty(st) {
		p.warn(n.path, fmt.Errorf("it says that it has %s, and is empty but for a few; it was left out", bytesize.GB(st.Size)))
		return nil
	}
	h.Typeflag, h.PAXRecords = tar.TypeReg, p.xattrs(f, n.path)
	if err := p.content(f, h, st); err != nil {
		return err
	}
	if n.stat.Nlink > 1 {
		p.links[linked{n.inode(), in.share}] = n.path
	}
	return nil
}

// nearlyEmpty reports whether a file is nearly empty on disk and larger than what remains of the limit
// for such files. Plugins can create sparse files of any size.
func (p *packer) nearlyEmpty(st unix.Stat_t) bool {
	if st.Size < 1<<20 || st.Blocks*512 >= st.Size/64 {
		return false
	}
	if st.Size > maxHoles-p.holes {
		return true
	}
	p.holes += st.Size
	return false
}

// content packs the content of a file. If the file has changed in the meantime, it is packed again
// as another entry; the last entry counts.
func (p *packer) content(f *os.File, h *tar.Header, before unix.Stat_t) error {
	begun := p.done
	for try := 1; ; try++ {
		h.Size, h.ModTime = before.Size, time.Unix(before.Mtim.Unix())
		p.done = begun
		sum, whole, err := p.copy(f, h)
		if err != nil {
			return err
		}
		var after unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &after); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
		stable := whole && before.Size == after.Size && before.Mtim == after.Mtim
		last := &p.manifest.Entries[len(p.manifest.Entries)-1]
		last.SHA256 = sum
		if stable || try == tries || p.nearlyEmpty(after) {
			if last.Changed = !stable; last.Changed {
				p.warn(h.Name, errors.New("it was written to each time it was read"))
			}
			return nil
		}
		p.manifest.Entries, before = p.manifest.Entries[:len(p.manifest.Entries)-1], after
	}
}

// copy writes a header and the announced number of bytes. If f is shorter by now, it writes zeros
// instead.
func (p *packer) copy(f *os.File, h *tar.Header) (sum string, whole bool, err error) {
	if err := p.entry(h, Entry{Kind: "file", Size: h.Size}); err != nil {
		return "", false, err
	}
	p.sum.Reset()
	var at int64
	whole = true
	for at < h.Size {
		if err := p.ctx.Err(); err != nil {
			return "", false, err
		}
		b := p.buf[:min(int64(len(p.buf)), h.Size-at)]
		if whole {
			n, err := f.ReadAt(b, at)
			if err != nil && !errors.Is(err, io.EOF) {
				p.warn(h.Name, err) // unreadable disk block
			}
			if n < len(b) {
				whole = false
				clear(b[n:])
			}
		} else {
			clear(b)
		}
		p.sum.Write(b)
		if _, err := p.tar.Write(b); err != nil {
			return "", false, err
		}
		at += int64(len(b))
		p.done += int64(len(b))
		if p.Progress != nil {
			p.Progress(p.done, max(p.total, p.done))
		}
	}
	return hex.EncodeToString(p.sum.Sum(nil)), whole, nil
}

// xattrs returns the attributes that overlayfs and the game set on a file, except those that
// identify the original file system.
func (p *packer) xattrs(f *os.File, path string) map[string]string {
	fd := int(f.Fd())
	size, err := unix.Flistxattr(fd, nil)
	if size == 0 || err != nil {
		return nil // includes file systems without attributes
	}
	list := make([]byte, size+1024)
	if size, err = unix.Flistxattr(fd, list); err != nil {
		p.warn(path, err)
		return nil
	}
	names := strings.Split(strings.TrimSuffix(string(list[:size]), "\x00"), "\x00")
	// overlayfs's attributes first: they are always small.
	slices.SortStableFunc(names, func(a, b string) int {
		switch ours := strings.HasPrefix(a, "user.overlay."); {
		case ours == strings.HasPrefix(b, "user.overlay."):
			return 0
		case ours:
			return -1
		}
		return 1
	})
	found, room := map[string]string{}, maxXattrs
	for _, name := range names {
		if !strings.HasPrefix(name, "user.") || name == "user.overlay.origin" || name == "user.overlay.uuid" ||
			strings.ContainsRune(name, '=') {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Fgetxattr(fd, name, value)
		if err != nil {
			p.warn(path, fmt.Errorf("attribute %s: %w", name, err))
			continue
		}
		if room -= len(name) + n; room < 0 {
			p.warn(path, errors.New("it has more attributes than are kept"))
			break
		}
		found[xattrPrefix+name] = string(value[:n])
	}
	if len(found) == 0 {
		return nil
	}
	return found
}

// owners caches the names of users and groups.
type owners map[uint64]string

func (o owners) of(uid, gid uint32) (user, group string) {
	return o.name(uint64(uid), userName, uid), o.name(1<<32|uint64(gid), groupName, gid)
}

func (o owners) name(key uint64, lookup func(string) string, id uint32) string {
	if _, ok := o[key]; !ok {
		o[key] = lookup(strconv.FormatUint(uint64(id), 10))
	}
	return o[key]
}

// packedBy returns the listing entry for a new archive.
func packedBy(h Head, m Manifest, name left4me.Name) left4me.Backup {
	b := left4me.Backup{Name: name, CreatedAt: h.CreatedAt, Scheduled: h.Scheduled, Version: h.Version, Warnings: m.Warnings}
	for _, e := range m.Entries {
		if e.Kind == "file" {
			b.Files++
			b.Stored += e.Size
		}
	}
	return b
}
