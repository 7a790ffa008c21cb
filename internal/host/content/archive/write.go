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

// roomEvery is after how many bytes the disk is checked again.
const roomEvery = 64 << 20

// Write writes what Plan says into a directory that is empty or has nothing that
// collides. say is told how many bytes are written; it may be nil. When it fails,
// what it wrote is left: the directory is to be dropped. Errors: left4me.Invalid
// when an archive isn't what it said, left4me.DiskFull on a full disk.
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
			left = f.limits.of(s.size())
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

// known is how many bytes Write will write, as far as the archives say.
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

// put writes one file.
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
		return n, tooMuch()
	case it.size >= 0 && n != it.size:
		return n, left4me.NewError(left4me.Invalid, "archive.entry_other_size", "path", shorten(it.name), "size", it.size).InField("files")
	}
	return n, nil
}

// bodyReader marks what reading fails with, so that it is told from writing.
type bodyReader struct{ r io.Reader }

func (b bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = bodyError{err}
	}
	return n, err
}

// checked is a file that checks the disk now and then while it is written.
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

// read reads the items of a source, in their order, and calls visit with what is
// in them.
func (f *Found) read(ctx context.Context, s *source, visit func(i int, it *item, body io.Reader) error) error {
	if !s.archive() {
		return f.readPlain(ctx, s, visit)
	}
	i := 0
	err := f.walk(ctx, s, howRead, func(e entry, body io.Reader) error {
		if i >= len(s.items) || s.items[i].raw != string(e.Name) || s.items[i].size != e.Size || s.items[i].kind != e.Kind {
			return left4me.NewError(left4me.Conflict, "archive.changed")
		}
		it := &s.items[i]
		i++
		return visit(i-1, it, body)
	})
	if err == nil && i != len(s.items) {
		err = left4me.NewError(left4me.Conflict, "archive.changed")
	}
	return err
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

// walk reads an archive, here or in a process of its own.
func (f *Found) walk(ctx context.Context, s *source, what how, v visit) error {
	if what != howList && what != howPlan && s.tool && len(s.parts) > 1 {
		if err := f.join(s); err != nil { // 7zz reads one file
			return err
		}
	}
	tool := FindTool()
	if len(f.options.Decoder) > 0 {
		return decodeOutside(ctx, f.options.Decoder, s.parts, s.format, what, tool, f.limits, v)
	}
	return walk(ctx, s.parts, s.format, what, tool, f.limits, v)
}

// join makes one file of the parts of an archive.
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

// unnamed keeps what is read in a file that has no name, and is gone when it is
// closed, whatever ends.
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
