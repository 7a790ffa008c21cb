// Package downloads reads the contents of overlay revisions for downloads in the panel and the API:
// single files, files in VPKs, and whole revisions as archives.
//
// The host lists the files over the bus. File contents are read through hostfs, since gigabytes
// don't fit through the bus; only files inside a VPK come over it.
package downloads

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/hostfs"
	"github.com/left4me/left4me/internal/left4me"
)

const pageSize = 1000

// Revisions queries the hosts for revisions and their files.
type Revisions interface {
	Get(ctx context.Context, name left4me.Name, revision int) (left4me.Content, error)
	Tree(ctx context.Context, name left4me.Name, revision int, f left4me.Filter) (left4me.Page[left4me.TreeFile], error)
	File(ctx context.Context, name left4me.Name, revision int, path, inside string) (bus.FileAnswer, error)
}

// Downloads opens files of revisions. It is safe for concurrent use.
type Downloads struct {
	revisions Revisions
	host      hostfs.FS
}

// New returns Downloads for the overlays of a host.
func New(revisions Revisions, host hostfs.FS) *Downloads {
	return &Downloads{revisions: revisions, host: host}
}

// Revision is a revision opened for reading.
type Revision struct {
	Overlay   left4me.Name
	Number    int
	CreatedAt time.Time
	revisions Revisions
	host      hostfs.FS
	dir       string
}

// Open opens a revision; 0 is the current one. Errors: left4me.NotFound, left4me.Unavailable.
func (d *Downloads) Open(ctx context.Context, name left4me.Name, revision int) (*Revision, error) {
	c, err := d.revisions.Get(ctx, name, revision)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		revision = c.Current
	}
	r := &Revision{
		Overlay: name, Number: revision, revisions: d.revisions,
		host: d.host, dir: path.Join("overlays", string(cmp.Or(c.NameOnHost, name)), strconv.Itoa(revision)),
	}
	for _, v := range c.Revisions {
		if v.Number == revision {
			r.CreatedAt = v.CreatedAt
		}
	}
	if revision <= 0 || !name.Valid() {
		return nil, errNoRevision(name, revision)
	}
	if _, err := d.host.Stat(ctx, r.dir); errors.Is(err, fs.ErrNotExist) {
		return nil, errNoRevision(name, revision)
	} else if err != nil {
		return nil, err
	}
	return r, nil
}

func errNoRevision(name left4me.Name, n int) error {
	return left4me.NewError(left4me.NotFound, "revision.not_on_host", "overlay", name, "revision", n)
}

// File opens a file. Errors: left4me.NotFound if p does not exist.
func (r *Revision) File(ctx context.Context, p string) (hostfs.Reader, error) {
	none := left4me.NewError(left4me.NotFound, "revision.no_such_file", "revision", r.Number, "overlay", r.Overlay, "path",
		shorten(p)).InField("query.path")
	if !fs.ValidPath(p) || p == "." {
		return nil, none
	}
	f, err := r.host.Open(ctx, path.Join(r.dir, p))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		none.Err = err
		return nil, none
	} else if err != nil {
		return nil, fmt.Errorf("open %s of revision %d of %s: %w", p, r.Number, r.Overlay, err)
	}
	return f, nil
}

// Inside returns a file in a VPK of the revision. Errors: left4me.NotFound, left4me.Unavailable,
// also if the file is longer than bus.MaxFile.
func (r *Revision) Inside(ctx context.Context, vpk, file string) (*bytes.Reader, error) {
	a, err := r.revisions.File(ctx, r.Overlay, r.Number, vpk, file)
	if err != nil {
		return nil, err
	}
	if int64(len(a.Data)) != a.Size {
		return nil, left4me.NewError(left4me.Unavailable, "vpk.file_too_long")
	}
	return bytes.NewReader(a.Data), nil
}

func shorten(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// Formats lists the archive formats, as file name extensions.
var Formats = []string{"zip", "tar", "tar.zst"}

// Archive writes a revision as an archive.
type Archive struct {
	revision *Revision
	format   string
	first    left4me.Page[left4me.TreeFile]
}

// Archive prepares an archive in one of Formats. It lists the first files and opens the first one,
// so that the most likely errors are reported before anything is sent. Errors: left4me.Invalid for
// an unknown format, left4me.NotFound, left4me.Unavailable.
func (r *Revision) Archive(ctx context.Context, format string) (*Archive, error) {
	if !slices.Contains(Formats, format) {
		return nil, left4me.NewError(left4me.Invalid, "archive.format_unknown", "known",
			strings.Join(Formats, ", ")).InField("query.format")
	}
	a := &Archive{revision: r, format: format}
	var err error
	if a.first, err = a.page(ctx, ""); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(a.first.Items, func(t left4me.TreeFile) bool { return !t.Dir }); i >= 0 {
		f, err := r.File(ctx, a.first.Items[i].Path)
		if err != nil {
			return nil, err
		}
		f.Close()
	}
	return a, nil
}

// page returns the page of files that follows the path after.
func (a *Archive) page(ctx context.Context, after string) (left4me.Page[left4me.TreeFile], error) {
	return a.revision.revisions.Tree(ctx, a.revision.Overlay, a.revision.Number,
		left4me.Filter{Deep: true, After: after, Limit: pageSize})
}

// Write writes the archive to w. After an error the archive is truncated.
func (a *Archive) Write(ctx context.Context, w io.Writer) error {
	out, err := a.packer(w)
	if err != nil {
		return err
	}
	for page := a.first; ; {
		for _, f := range page.Items {
			if err := errors.Join(ctx.Err(), a.revision.pack(ctx, out, f)); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
		}
		if page.Next == "" {
			return out.close()
		}
		if page, err = a.page(ctx, page.Next); err != nil {
			return err
		}
	}
}

func (a *Archive) packer(w io.Writer) (packer, error) {
	switch a.format {
	case "tar":
		return &tarPacker{tar.NewWriter(w), nil}, nil
	case "tar.zst":
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return &tarPacker{tar.NewWriter(z), z}, nil
	}
	return &zipPacker{zip.NewWriter(w)}, nil
}

func (r *Revision) pack(ctx context.Context, out packer, t left4me.TreeFile) error {
	if t.Dir {
		return nil
	}
	f, err := r.File(ctx, t.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	mode := fs.FileMode(0o644)
	if f.Info().Executable {
		mode = 0o755
	}
	to, err := out.begin(t.Path, f.Info().Size, mode, r.CreatedAt)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, disk.Until(ctx, f))
	return err
}

// packer writes an archive in one format.
type packer interface {
	begin(name string, size int64, mode fs.FileMode, at time.Time) (io.Writer, error)
	close() error
}

type zipPacker struct{ *zip.Writer }

// compressedExts lists extensions of files that are already compressed.
var compressedExts = []string{".vpk", ".zip", ".7z", ".rar", ".bz2", ".gz", ".xz", ".zst", ".jpg", ".png", ".webm", ".bik", ".mp3"}

func (z *zipPacker) begin(name string, _ int64, mode fs.FileMode, at time.Time) (io.Writer, error) {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at}
	for _, ext := range compressedExts {
		if strings.EqualFold(path.Ext(name), ext) {
			h.Method = zip.Store
		}
	}
	h.SetMode(mode)
	return z.CreateHeader(h)
}

func (z *zipPacker) close() error { return z.Close() }

type tarPacker struct {
	*tar.Writer
	under io.Closer // compressor around the tar, or nil
}

func (t *tarPacker) begin(name string, size int64, mode fs.FileMode, at time.Time) (io.Writer, error) {
	return t.Writer, t.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Size:     size,
		Mode:     int64(mode),
		ModTime:  at.Truncate(time.Second),
		Format:   tar.FormatPAX,
	})
}

func (t *tarPacker) close() error {
	err := t.Close()
	if t.under != nil && err == nil {
		err = t.under.Close()
	}
	return err
}
