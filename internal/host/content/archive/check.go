package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// CheckLimits bounds how much Check reads.
type CheckLimits struct {
	Bytes int64     // bytes of unpacked contents
	Until time.Time // time after which no further file is read
}

// Content is the content of a file of an upload. It is valid only while Check calls its visitor.
type Content struct {
	File *os.File
	Size int64
	// Dir and Path locate a file that was uploaded unpacked next to its neighbours. Dir is nil for a file
	// in an archive.
	Dir  fs.FS
	Path string
}

// Check reads the archives of the upload to their ends, so that damage in them is known before Write
// stops at it. It calls visit with each file for which wanted returns true; both get the path in the
// upload, as in Destinations. It returns the number of bytes that the limits left unread. Errors:
// left4me.Invalid with the damaged file; those of visit.
func (f *Found) Check(ctx context.Context, l CheckLimits, wanted func(from string) bool,
	visit func(from string, c Content) error,
) (unread int64, err error) {
	c := checker{found: f, limits: l, wanted: wanted, visit: visit}
	for _, s := range f.sources {
		if s.archive() {
			err = c.archive(ctx, s)
		} else {
			err = c.plain(ctx, s)
		}
		if err != nil && !errors.Is(err, errLimit) {
			return 0, within(s.name, err)
		}
	}
	return max(0, c.total-c.read), nil
}

// Destinations iterates over all files: their paths in the upload and in the layer. to is empty for files
// that are left out.
func (f *Found) Destinations(yield func(from, to string) bool) {
	for _, s := range f.sources {
		for _, it := range s.items {
			if !it.dir && it.path != "" && !yield(under(s.name, it.path), it.to) {
				return
			}
		}
	}
}

// Fingerprint changes with the files in a directory and with the encoding of names. It does not depend on
// where the files go.
func Fingerprint(dir *os.Root, i left4me.Import) string {
	h := fnv.New128a()
	fmt.Fprintf(h, "%q %q\n", i.Names, i.NamesHint)
	err := fs.WalkDir(dir.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintf(h, "%q %d %d\n", p, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// errLimit ends a check that reached its limits.
var errLimit = errors.New("limit reached")

type checker struct {
	found       *Found
	limits      CheckLimits
	wanted      func(from string) bool
	visit       func(from string, c Content) error
	total, read int64
}

// more returns an error if nothing else may be read.
func (c *checker) more(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.read >= c.limits.Bytes || time.Now().After(c.limits.Until) {
		return errLimit
	}
	return nil
}

// plain checks files that were uploaded unpacked. The reading of unwanted files is not counted.
func (c *checker) plain(ctx context.Context, s *source) error {
	for i := range s.items {
		it := &s.items[i]
		if it.dir || !c.wanted(it.path) {
			continue
		}
		c.total += it.size
		if err := c.more(ctx); errors.Is(err, errLimit) || c.read+it.size > c.limits.Bytes {
			continue
		} else if err != nil {
			return err
		}
		file, err := c.found.openFile(it.path)
		if err != nil {
			return err
		}
		err = c.visit(it.path, Content{File: file, Size: it.size, Dir: c.found.dir.FS(), Path: it.path})
		file.Close()
		if err != nil {
			return err
		}
		c.read += it.size
	}
	return nil
}

func (c *checker) archive(ctx context.Context, s *source) error {
	for i := range s.items {
		if !s.items[i].dir {
			c.total += max(0, s.items[i].size)
		}
	}
	if err := c.more(ctx); err != nil {
		return err
	}
	return c.found.read(ctx, s, func(_ int, it *item, body io.Reader) error {
		if it.dir || body == nil {
			return nil
		}
		if err := c.more(ctx); err != nil {
			return err
		}
		if from := under(s.name, it.path); c.wanted(from) {
			return c.spooled(from, it, body)
		}
		for {
			n, err := io.CopyN(io.Discard, bodyReader{body}, 1<<20)
			c.read += n
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = c.more(ctx)
			}
			if err != nil {
				return err
			}
		}
	})
}

// spooled visits a file of an archive by means of a temporary file. If the disk has no room for that, the
// check ends.
func (c *checker) spooled(from string, it *item, body io.Reader) error {
	left := c.limits.Bytes - c.read
	if it.size > left || disk.Fits(c.found.options.Scratch, max(0, it.size)) != nil {
		return errLimit
	}
	file, err := c.found.unnamed(io.LimitReader(bodyReader{body}, left+1))
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.DiskFull {
		return errLimit
	}
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return err
	}
	c.read += st.Size()
	if st.Size() > left {
		return errLimit
	}
	return c.visit(from, Content{File: file, Size: st.Size()})
}
