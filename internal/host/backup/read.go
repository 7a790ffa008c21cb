package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// sink receives the entries of an archive after they were checked. content is nil for everything
// except files.
type sink interface {
	begin(Head) error
	entry(h *tar.Header, in tree, content io.Reader) error
}

// contents holds what was read from an archive.
type contents struct {
	Head
	Manifest
	Differ []string // entries that differ from the manifest
}

// readResult describes an entry that was read.
type readResult struct {
	kind string
	size int64
	sum  [sha256.Size]byte
}

// reader reads an archive.
type reader struct {
	ctx   context.Context
	tar   *tar.Reader
	sink  sink
	space int64 // bytes left for the content of files
	seen  map[string]readResult
	last  string
}

// read reads an archive to its end, passes its entries to s, and compares them with the manifest.
// space limits the total bytes of all files. Errors: ErrDamaged, errors of s, and ctx.Err.
func read(ctx context.Context, r io.Reader, space int64, s sink) (contents, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(2))
	if err != nil {
		return contents{}, err
	}
	defer z.Close()
	a := &reader{ctx: ctx, tar: tar.NewReader(&bounded{ctx: ctx, r: z}), sink: s, space: space, seen: map[string]readResult{}}
	c, err := a.all()
	if err == nil {
		// Data after the tar is not ours, but reading to the end verifies the checksum of the
		// compressed stream.
		var more int64
		if more, err = io.Copy(io.Discard, io.LimitReader(z, 1<<20)); err == nil && more == 1<<20 {
			err = damaged("more follows behind its end")
		} else if err != nil {
			err = a.broken(err)
		}
	}
	return c, err
}

func (a *reader) all() (c contents, err error) {
	h, err := a.next()
	if err != nil {
		return c, err
	}
	if h.Name != headName || h.Typeflag != tar.TypeReg {
		return c, damaged("it is no backup of left4me")
	}
	if err := a.document(h, maxHead, &c.Head); err != nil {
		return c, err
	}
	if c.Format != Format {
		return c, damaged("its format is %d, this left4me reads %d", c.Format, Format)
	}
	if err := a.sink.begin(c.Head); err != nil {
		return c, err
	}
	for {
		h, err := a.next()
		if err != nil {
			return c, err
		}
		if h.Name == manifestName {
			if h.Typeflag != tar.TypeReg {
				return c, damaged("its manifest is no file")
			}
			err := a.document(h, maxManifest, &c.Manifest)
			if err != nil {
				return c, err
			}
			break
		}
		if err := a.entry(h); err != nil {
			return c, err
		}
	}
	if _, err := a.tar.Next(); !errors.Is(err, io.EOF) {
		return c, a.broken(errors.Join(err, errors.New("something follows its manifest")))
	}
	c.Differ = a.compare(c.Entries)
	return c, nil
}

// next returns the next header. The end of the archive before the manifest is an error.
func (a *reader) next() (*tar.Header, error) {
	h, err := a.tar.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, damaged("it ends early")
	case err != nil:
		return nil, a.broken(err)
	case len(a.seen) >= maxEntries:
		return nil, damaged("it has more than %d entries", maxEntries)
	}
	return h, nil
}

// broken returns a read error as damage, unless ctx has ended.
func (a *reader) broken(err error) error {
	if a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it ends early")
	}
	return damaged("%v", err)
}

func (a *reader) document(h *tar.Header, limit int64, v any) error {
	if h.Size > limit {
		return damaged("%s is too large", h.Name)
	}
	b, err := io.ReadAll(a.tar)
	if err != nil {
		return a.broken(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return damaged("%s: %v", h.Name, err)
	}
	return nil
}

// entry checks an entry and passes it to the sink.
func (a *reader) entry(h *tar.Header) error {
	in, err := a.check(h)
	if err != nil {
		return err
	}
	g := readResult{kind: kinds[h.Typeflag]}
	var content io.Reader
	sum := sha256.New()
	counted := &counter{r: a.tar, w: sum}
	if h.Typeflag == tar.TypeReg {
		if a.space -= h.Size; a.space < 0 {
			return damaged("%q: what it holds has no room", h.Name)
		}
		content = counted
	}
	if err := a.sink.entry(h, in, content); err != nil {
		if counted.err != nil {
			return a.broken(counted.err) // a failure to read the archive, not to write
		}
		return err
	}
	if content != nil {
		if counted.n != h.Size {
			return damaged("%q ends early", h.Name)
		}
		g.size = h.Size
		sum.Sum(g.sum[:0])
	}
	a.seen[h.Name], a.last = g, h.Name
	return nil
}

// counter hashes and counts what is read, and records read errors, to distinguish them from errors
// of the sink.
type counter struct {
	r   io.Reader
	w   io.Writer
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	_, _ = c.w.Write(p[:n]) // writing to a hash never fails
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

var kinds = map[byte]string{
	tar.TypeReg: "file", tar.TypeDir: "dir", tar.TypeLink: "link", tar.TypeSymlink: "symlink", tar.TypeChar: "whiteout",
}

// records lists the PAX records that Pack writes.
var records = map[string]bool{
	"path": true, "linkpath": true, "size": true, "uid": true, "gid": true, "uname": true, "gname": true, "mtime": true,
}

// check rejects entries that Pack would not have written.
func (a *reader) check(h *tar.Header) (tree, error) {
	no := func(why string) (tree, error) { return tree{}, damaged("%q is refused: %s", h.Name, why) }
	in, ok := partOf(h.Name)
	kind, known := kinds[h.Typeflag]
	switch {
	case !ok:
		return no("nothing of a backup stands there")
	case !known:
		return no("it is of a type that no backup has")
	case in.only != "" && in.only != kind:
		return no("it is a " + kind)
	case h.Size < 0 || kind != "file" && h.Size != 0:
		return no("its size can't be")
	case h.Mode&^0o7777 != 0 || h.Mode&unix.S_ISUID != 0 || h.Mode&unix.S_ISGID != 0 && kind != "dir":
		return no("it is setuid or setgid")
	}
	for k, v := range h.PAXRecords {
		name, attribute := strings.CutPrefix(k, xattrPrefix)
		if attribute && (!strings.HasPrefix(name, "user.") || len(v) > 64<<10) || !attribute && !records[k] {
			return no("it has the attribute " + k)
		}
	}
	if parent := h.Name[:max(0, strings.LastIndexByte(h.Name, '/'))]; parent != "" && parent != settingsDir &&
		a.seen[parent].kind != "dir" {
		return no("its directory did not come before it")
	}
	before, there := a.seen[h.Name]
	if there && (h.Name != a.last || before.kind != "file" || kind != "file") {
		return no("it is there twice")
	}
	switch kind {
	case "whiteout":
		if h.Devmajor != 0 || h.Devminor != 0 {
			return no("it is a device")
		}
	case "symlink":
		if !staysIn(in.top, h.Name, h.Linkname) {
			return no("it links to something outside")
		}
	case "link":
		if of, _ := partOf(h.Linkname); a.seen[h.Linkname].kind != "file" || of.share != in.share || in.share == "" {
			return no("it links to no file of its own part")
		}
	}
	return in, nil
}

// compare returns a description of each entry that differs from the manifest.
func (a *reader) compare(entries []Entry) []string {
	var differ []string
	for _, e := range entries {
		p := e.path()
		g, there := a.seen[p]
		delete(a.seen, p)
		switch {
		case !there:
			differ = append(differ, fmt.Sprintf("%q is missing", p))
		case g.kind != e.Kind || g.size != e.Size || e.Kind == "file" && hex.EncodeToString(g.sum[:]) != e.SHA256:
			differ = append(differ, fmt.Sprintf("%q is not what was packed", p))
		}
	}
	for p := range a.seen {
		differ = append(differ, fmt.Sprintf("%q was not packed", p))
	}
	return differ
}

// Verify reads an archive and reports its damage; there is none if the archive equals what was
// packed. each receives the number of bytes read so far. Errors are failures to read and ctx.Err.
func Verify(ctx context.Context, r io.Reader, each func(done int64)) (Report, error) {
	sum := sha256.New()
	var done int64
	counted := &bounded{ctx: ctx, r: io.TeeReader(r, sum), each: func(n int) {
		done += int64(n)
		if each != nil {
			each(done)
		}
	}}
	c, err := read(ctx, counted, 1<<62, discard{})
	report := Report{Head: c.Head, Manifest: c.Manifest, Damage: c.Differ}
	if errors.Is(err, ErrDamaged) {
		report.Damage, err = append(report.Damage, strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": ")), nil
	}
	if err != nil {
		return report, fmt.Errorf("verify: %w", err)
	}
	if _, err := io.Copy(io.Discard, counted); err != nil { // read the rest for the checksum of the whole file
		return report, fmt.Errorf("verify: %w", err)
	}
	report.SHA256, report.Bytes = hex.EncodeToString(sum.Sum(nil)), done
	return report, nil
}

// Report is the result of Verify.
type Report struct {
	Head
	Manifest
	Damage []string
	SHA256 string // hash of the archive
	Bytes  int64  // size of the archive
}

// Files returns the number of files in the archive.
func (r Report) Files() int64 { return packedBy(r.Head, r.Manifest, "").Files }

// discard is the sink of Verify. It reads the content of files and drops it.
type discard struct{}

func (discard) begin(Head) error { return nil }

func (discard) entry(_ *tar.Header, _ tree, content io.Reader) error {
	if content == nil {
		return nil
	}
	_, err := io.Copy(io.Discard, content)
	return err
}
