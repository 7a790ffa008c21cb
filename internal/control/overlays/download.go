package overlays

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/hostfs"
	"github.com/left4me/left4me/internal/left4me"
)

// Downloads reads files of revisions through hostfs: they are too long for messages.
// It is safe for concurrent use.
type Downloads struct {
	content *Overlays
	host    hostfs.FS
}

// NewDownloads makes downloads of the overlays of a host.
func NewDownloads(c *Overlays, host hostfs.FS) *Downloads { return &Downloads{c, host} }

// Download is a file that is read.
type Download struct {
	io.ReadSeekCloser
	Revision int
	Size     int64
}

// Open opens a file of a revision; 0 is the current one. The caller closes it.
// Errors: left4me.NotFound, left4me.Invalid, left4me.Unavailable, the last also
// for a file in a VPK that is longer than MaxFile.
func (d *Downloads) Open(ctx context.Context, name left4me.Name, revision int, path, inside string) (Download, error) {
	a, err := d.content.Revisions().File(ctx, name, revision, path, inside)
	if err != nil {
		return Download{}, err
	}
	if a.Disk == "" {
		if int64(len(a.Data)) != a.Size {
			return Download{}, left4me.NewError(left4me.Unavailable, "vpk.file_too_long")
		}
		return Download{whole{bytes.NewReader(a.Data)}, a.Revision, a.Size}, nil
	}
	f, err := d.open(ctx, a.Disk)
	if err != nil {
		return Download{}, err
	}
	return Download{f, a.Revision, f.Info().Size}, nil
}

// whole is data that is in memory.
type whole struct{ *bytes.Reader }

func (whole) Close() error { return nil }

func (d *Downloads) open(ctx context.Context, disk string) (hostfs.Reader, error) {
	f, err := d.host.Open(ctx, disk)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, left4me.NewError(left4me.NotFound, "file.gone").InField("path").Because(err)
	}
	return f, err
}

// Archive is a revision that is written as a zip archive.
type Archive struct {
	Name     left4me.Name
	Revision int
	Bytes    int64 // of its files
	files    []left4me.TreeFile
	disk     string // where its first file's path begins
	at       time.Time
	from     *Downloads
}

// Archive lists what an archive of a revision will hold. Errors: left4me.NotFound,
// left4me.Unavailable.
func (d *Downloads) Archive(ctx context.Context, name left4me.Name, revision int) (*Archive, error) {
	c, err := d.content.Revisions().Get(ctx, name, revision)
	if err != nil {
		return nil, err
	}
	a := &Archive{Name: name, Revision: cmp.Or(revision, c.Current), from: d}
	for _, r := range c.Revisions {
		if r.Number == a.Revision {
			a.at = r.CreatedAt
		}
	}
	if a.at.IsZero() {
		return nil, left4me.NewError(left4me.NotFound, "revision.unknown", "overlay", name, "revision", a.Revision)
	}
	for after := ""; ; {
		p, err := d.content.Revisions().Tree(ctx, name, a.Revision, left4me.Filter{Deep: true, After: after, Limit: 1000})
		if err != nil {
			return nil, err
		}
		a.files = append(a.files, p.Items...)
		if after = p.Next; after == "" {
			break
		}
	}
	for _, f := range a.files {
		a.Bytes += f.Size
	}
	if len(a.files) > 0 {
		first, err := d.content.Revisions().File(ctx, name, a.Revision, a.files[0].Path, "")
		if err != nil {
			return nil, err
		}
		base, ok := strings.CutSuffix(first.Disk, a.files[0].Path)
		if !ok {
			return nil, fmt.Errorf("%s lies in %s", a.files[0].Path, first.Disk)
		}
		a.disk = base
	}
	return a, nil
}

// Write writes the archive. What is packed already, as add-ons are, is stored as
// it is.
func (a *Archive) Write(ctx context.Context, w io.Writer) error {
	z := zip.NewWriter(w)
	for _, f := range a.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.add(ctx, z, f); err != nil {
			return fmt.Errorf("pack %s: %w", f.Path, err)
		}
	}
	return z.Close()
}

func (a *Archive) add(ctx context.Context, z *zip.Writer, f left4me.TreeFile) error {
	in, err := a.from.open(ctx, a.disk+f.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	h := &zip.FileHeader{Name: f.Path, Method: zip.Deflate, Modified: a.at}
	h.SetMode(0o644)
	if f.Exec {
		h.SetMode(0o755)
	}
	if in.Info().Size > 1<<20 && strings.EqualFold(filepath.Ext(f.Path), ".vpk") {
		h.Method = zip.Store
	}
	out, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, disk.Until(ctx, in))
	return err
}
