package archive

import (
	"context"
	"errors"
	"io"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// roomEvery is the number of bytes after which the free space is checked again.
const roomEvery = 64 << 20

// Write writes the planned files to a directory, which must not contain any of them. It calls say,
// unless nil, with the total number of bytes written after each file. After an error the caller
// must delete the directory. Errors: left4me.Invalid if an archive's content differs from what it
// declares, left4me.DiskFull if the disk is full.
func (f *Found) Write(ctx context.Context, into *os.Root, say func(bytes int64)) error {
	if say == nil {
		say = func(int64) {}
	}
	room := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return disk.Fits(into.Name(), 0)
	}
	if err := disk.Fits(into.Name(), f.known()); err != nil {
		return err
	}
	written := int64(0)
	for _, s := range f.sources {
		left := f.limits.Bytes
		if s.archive() {
			left = f.limits.maxUnpacked(s.size())
		}
		err := f.read(ctx, s, func(_ int, it *item, body io.Reader) error {
			if it.to == "" {
				return nil
			}
			if it.dir {
				return into.MkdirAll(it.to, 0o755)
			}
			n, err := put(into, it, min(left, f.limits.File), room, body)
			if left -= n; err != nil {
				return err
			}
			written += n
			say(written)
			return nil
		})
		if err != nil {
			return within(s.name, err)
		}
	}
	return nil
}

// known returns the number of bytes that Write will write, without files of unknown size.
func (f *Found) known() (bytes int64) {
	for _, s := range f.sources {
		for _, it := range s.items {
			if it.to != "" && !it.dir {
				bytes += max(0, it.size)
			}
		}
	}
	return bytes
}

// put writes one file and returns its size.
func put(into *os.Root, it *item, left int64, room func() error, body io.Reader) (int64, error) {
	if err := into.MkdirAll(path.Dir(it.to), 0o755); err != nil {
		return 0, err
	}
	mode := os.FileMode(0o644)
	if it.exec {
		mode = 0o755
	}
	file, err := into.OpenFile(it.to, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, mode)
	if err != nil {
		return 0, err
	}
	most := left
	if it.size >= 0 {
		most = min(left, it.size)
	}
	n, err := io.Copy(&checked{file: file, room: room}, io.LimitReader(bodyReader{body}, most+1))
	err = errors.Join(err, file.Close())
	switch {
	case err != nil:
		return n, err
	case n > left:
		return n, bombError()
	case it.size >= 0 && n != it.size:
		return n, left4me.NewError(left4me.Invalid, "archive.entry_other_size", "path", shorten(it.name), "size", it.size).InField("files")
	}
	return n, nil
}

// bodyReader marks read errors to distinguish them from write errors.
type bodyReader struct{ r io.Reader }

func (b bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = bodyError{err}
	}
	return n, err
}

// checked is a file that checks the free space every roomEvery bytes.
type checked struct {
	file *os.File
	room func() error
	n    int64
}

func (c *checked) Write(b []byte) (int, error) {
	if c.n += int64(len(b)); c.n >= roomEvery {
		c.n = 0
		if err := c.room(); err != nil {
			return 0, err
		}
	}
	n, err := c.file.Write(b)
	if disk.IsFull(err) {
		err = disk.Full(c.file.Name(), int64(len(b)-n), err)
	}
	return n, err
}

func (f *Found) room() error { return disk.Fits(f.options.Scratch, 0) }

// read calls visit with each item of a source, in order, and its content.
func (f *Found) read(ctx context.Context, s *source, visit func(i int, it *item, body io.Reader) error) error {
	if !s.archive() {
		return f.readPlain(ctx, s, visit)
	}
	i := 0
	var content noted // of the latest item
	err := f.walk(ctx, s, purposeRead, func(e entry, body io.Reader) error {
		if i >= len(s.items) || s.items[i].raw != string(e.Name) || s.items[i].size != e.Size || s.items[i].kind != e.Kind {
			return left4me.NewError(left4me.Conflict, "archive.changed")
		}
		it := &s.items[i]
		i++
		if body != nil {
			content = noted{r: body}
			body = &content
		}
		return visit(i-1, it, body)
	})
	if e, ok := left4me.Public(err); ok && e.Code == "archive.damaged" && content.failed {
		err = left4me.NewError(left4me.Invalid, "archive.entry_damaged", "path", shorten(s.items[i-1].name)).InField("files").Because(err)
	}
	if err == nil && i != len(s.items) {
		err = left4me.NewError(left4me.Conflict, "archive.changed")
	}
	return err
}

// noted records whether reading the content of an item failed.
type noted struct {
	r      io.Reader
	failed bool
}

func (n *noted) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	n.failed = n.failed || err != nil && !errors.Is(err, io.EOF)
	return k, err
}

func (f *Found) readPlain(ctx context.Context, s *source, visit func(i int, it *item, body io.Reader) error) error {
	for i := range s.items {
		it := &s.items[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		if it.dir || it.to == "" {
			if err := visit(i, it, nil); err != nil {
				return err
			}
			continue
		}
		file, err := f.openFile(it.path)
		if err != nil {
			return err
		}
		if st, serr := file.Stat(); serr != nil || !st.Mode().IsRegular() {
			file.Close()
			return left4me.NewError(left4me.Invalid, "archive.entry_vanished", "path", shorten(it.name)).InField("files")
		}
		err = visit(i, it, file)
		file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// walk reads an archive, in a separate process if a decoder is configured.
func (f *Found) walk(ctx context.Context, s *source, what purpose, v visit) error {
	if what != purposeList && what != purposePlan && s.tool && len(s.parts) > 1 {
		if err := f.join(s); err != nil { // 7-Zip is given a single file
			return err
		}
	}
	tool := FindTool()
	if len(f.options.Decoder) > 0 {
		return decodeOutside(ctx, f.options.Decoder, s.parts, s.format, what, tool, f.limits, v)
	}
	return walk(ctx, s.parts, s.format, what, tool, f.limits, v)
}

// join replaces the parts of an archive by a single temporary file.
func (f *Found) join(s *source) error {
	in, size, err := joined(s.parts)
	if err != nil {
		return err
	}
	if err := disk.Fits(f.options.Scratch, size); err != nil {
		return err
	}
	file, err := f.unnamed(io.NewSectionReader(in, 0, size))
	if err != nil {
		return err
	}
	s.close()
	s.parts = []*os.File{file}
	return nil
}

// unnamed copies r to a temporary file without a name, which vanishes when it is closed or the
// process ends.
func (f *Found) unnamed(r io.Reader) (*os.File, error) {
	file, err := os.CreateTemp(f.options.Scratch, ".archive-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(file.Name())
	if err == nil {
		_, err = io.Copy(&checked{file: file, room: f.room}, r)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
