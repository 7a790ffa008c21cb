package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// Limits for reading a part of an archive.
const (
	maxDatabase = 1 << 30  // bytes of a database
	maxRecord   = 64 << 20 // bytes of overlay.json
)

// errEnough ends the reading of an archive early.
var errEnough = errors.New("read enough")

// Database writes the database of an archive to a new file with mode 0600, and returns the head of the
// archive. The rest of the archive isn't read, so it may be damaged. Errors: left4me.Invalid.
func Database(ctx context.Context, r io.Reader, file string) (Head, error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Head{}, err
	}
	s := &databaseSink{to: f}
	_, err = read(ctx, r, maxDatabase, s)
	if errors.Is(err, errEnough) {
		err = f.Sync()
	} else if err == nil {
		err = damaged("it has no database")
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(file)
		return s.head, full(unusable(err), file)
	}
	return s.head, nil
}

// unusable turns ErrDamaged into an error for users.
func unusable(err error) error {
	if errors.Is(err, ErrDamaged) {
		return left4me.NewError(left4me.Invalid, "backup.unusable", "reason", strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": ")).
			Because(err)
	}
	return err
}

type databaseSink struct {
	head Head
	to   *os.File
}

func (s *databaseSink) begin(h Head) error { s.head = h; return nil }

func (s *databaseSink) entry(h *tar.Header, _ tree, content io.Reader) error {
	if h.Name != databaseName {
		return damaged("its database isn't at its beginning")
	}
	if _, err := io.Copy(s.to, content); err != nil {
		return err
	}
	return errEnough
}

// Extracted describes a part of an archive that was extracted.
type Extracted struct {
	Head    Head
	Files   int64
	Bytes   int64
	Missing []Reference // files of a cache that belong to the part; Links are below the directory
}

// Extraction extracts a part of an archive. Everything is verified before the first file is written.
type Extraction struct {
	File     *os.File
	Space    int64       // limit of the bytes that are written
	Stage    *os.Root    // an empty directory; what is extracted appears below its directory To
	To       string      // such as "tree"
	Mode     os.FileMode // bits that files get in addition; directories also get the bits to search them
	Group    int         // group of what is extracted; -1: that of the process
	Progress func(done, total int64)
}

// Upper extracts the writable layer of a server, which may be missing.
func (x Extraction) Upper(ctx context.Context, server left4me.Name) (Extracted, error) {
	if !server.Valid() {
		return Extracted{}, missing(server)
	}
	return x.part(ctx, func(*survey) (string, error) { return path.Join("runtime", string(server), "upper"), nil })
}

// Overlay extracts the revision of an overlay that was current. Errors: left4me.NotFound if the archive
// has no revision of it.
func (x Extraction) Overlay(ctx context.Context, overlay left4me.Name) (Extracted, error) {
	if !overlay.Valid() {
		return Extracted{}, missing(overlay)
	}
	dir := path.Join("overlays", string(overlay))
	return x.part(ctx, func(s *survey) (string, error) {
		if n := s.current(dir); n > 0 {
			return path.Join(dir, strconv.Itoa(n)), nil
		}
		return "", left4me.NewError(left4me.NotFound, "backup.no_revision", "overlay", overlay)
	})
}

// part reads the archive twice: once to verify it and to find what to extract, once to extract it.
func (x Extraction) part(ctx context.Context, find func(*survey) (string, error)) (Extracted, error) {
	st, err := x.File.Stat()
	if err != nil {
		return Extracted{}, err
	}
	s := &survey{records: map[string][]byte{}, links: map[string]string{}, revisions: map[string]int{}}
	c, err := x.pass(ctx, s, 0, st.Size())
	if err != nil {
		return Extracted{}, err
	}
	prefix, err := find(s)
	if err != nil {
		return Extracted{}, err
	}
	e := &extractor{x: x, prefix: prefix, layout: &layout{root: x.Stage, target: Target{Schema: 1 << 62}}, needed: s.outside(prefix)}
	e.made = map[string]string{}
	if _, err := x.pass(ctx, e, st.Size(), st.Size()); err != nil {
		return Extracted{}, full(err, x.Stage.Name())
	}
	if err := e.layout.finish(); err != nil {
		return Extracted{}, full(err, x.Stage.Name())
	}
	out := Extracted{Head: c.Head, Files: e.layout.files, Bytes: e.layout.bytes}
	for _, r := range c.References {
		var links []string
		for _, l := range r.Links {
			if rel, ok := strings.CutPrefix(l, prefix+"/"); ok && validPath(l) {
				links = append(links, rel)
			}
		}
		if len(links) > 0 {
			r.Links = links
			out.Missing = append(out.Missing, r)
		}
	}
	return out, nil
}

// pass reads the whole archive. Errors: left4me.Invalid if it is damaged.
func (x Extraction) pass(ctx context.Context, s sink, before, size int64) (contents, error) {
	if _, err := x.File.Seek(0, io.SeekStart); err != nil {
		return contents{}, err
	}
	done := before
	r := &bounded{ctx: ctx, r: x.File, each: func(n int) {
		if done += int64(n); x.Progress != nil {
			x.Progress(done, 2*size)
		}
	}}
	c, err := read(ctx, r, 1<<62, s)
	if err == nil && len(c.Differ) > 0 {
		err = damaged("%s", strings.Join(c.Differ[:min(3, len(c.Differ))], ", "))
	}
	return c, unusable(err)
}

// survey is the sink of the first pass. It remembers what decides what is extracted.
type survey struct {
	records   map[string][]byte // overlay.json by its path
	links     map[string]string // targets of hard links in overlays
	revisions map[string]int    // highest revision by the directory of its overlay
}

func (s *survey) begin(Head) error { return nil }

func (s *survey) entry(h *tar.Header, in tree, content io.Reader) error {
	parts := strings.Split(h.Name, "/")
	if parts[0] == "overlays" {
		if h.Typeflag == tar.TypeLink {
			s.links[h.Name] = h.Linkname
		}
		if n, err := strconv.Atoi(path.Base(h.Name)); err == nil && len(parts) == 3 && h.Typeflag == tar.TypeDir {
			dir := path.Dir(h.Name)
			s.revisions[dir] = max(s.revisions[dir], n)
		}
		if len(parts) == 3 && parts[2] == "overlay.json" && content != nil && h.Size <= maxRecord {
			text, err := io.ReadAll(content)
			s.records[path.Dir(h.Name)] = text
			return err
		}
	}
	return discard{}.entry(h, in, content)
}

// current returns the revision to extract of the overlay in dir; 0 if there is none.
func (s *survey) current(dir string) int {
	var r struct {
		Current int `json:"current"`
	}
	if json.Unmarshal(s.records[dir], &r) == nil && r.Current > 0 {
		return r.Current
	}
	return s.revisions[dir]
}

// outside returns the files outside of a part to which hard links of the part refer.
func (s *survey) outside(prefix string) map[string]bool {
	needed := map[string]bool{}
	for p, target := range s.links {
		if strings.HasPrefix(p, prefix+"/") && !strings.HasPrefix(target, prefix+"/") {
			needed[target] = true
		}
	}
	return needed
}

// extractor is the sink of the second pass.
type extractor struct {
	x      Extraction
	prefix string
	layout *layout
	needed map[string]bool   // files outside of the part
	made   map[string]string // where they are in the stage
	size   int64
}

func (e *extractor) begin(Head) error { return e.x.Stage.Mkdir("shared", 0o700) }

func (e *extractor) entry(h *tar.Header, in tree, content io.Reader) error {
	rel, inside := strings.CutPrefix(h.Name, e.prefix+"/")
	as := *h
	switch {
	case h.Name == e.prefix:
		as.Name = e.x.To
	case inside:
		as.Name = path.Join(e.x.To, rel)
	case e.needed[h.Name] && content != nil:
		as.Name = path.Join("shared", strconv.Itoa(len(e.made)))
		e.made[h.Name] = as.Name
	default:
		return discard{}.entry(h, in, content)
	}
	if e.size += h.Size; e.size > e.x.Space {
		return disk.Full(e.x.Stage.Name(), e.size, nil)
	}
	as.Mode |= int64(e.x.Mode)
	switch h.Typeflag {
	case tar.TypeDir:
		as.Mode |= int64(e.x.Mode) >> 1 & 0o111 // who may write to a directory may search it
	case tar.TypeLink:
		if at, ok := e.made[h.Linkname]; ok {
			as.Linkname = at
		} else {
			as.Linkname = path.Join(e.x.To, strings.TrimPrefix(h.Linkname, e.prefix+"/"))
		}
	}
	if err := e.layout.entry(&as, in, content); err != nil {
		return err
	}
	if e.x.Group >= 0 && h.Typeflag != tar.TypeLink {
		return e.x.Stage.Lchown(as.Name, -1, e.x.Group)
	}
	return nil
}

// Cached reports whether a file of a cache below root is the one that a reference means.
func Cached(ctx context.Context, root string, r Reference) bool {
	cache, _, _ := strings.Cut(r.Path, "/")
	if !validPath(r.Path) || !slices.Contains(caches, cache) {
		return false
	}
	top, err := os.OpenRoot(root)
	if err != nil {
		return false
	}
	defer top.Close()
	return same(ctx, top, r)
}
