package workshop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/steam"
)

// Into receives the fetched files and the progress.
type Into struct {
	Link     func(ctx context.Context, path, file string) error // adds a file to the new revision
	Progress func(left4me.Progress)                             // receives the total bytes of all downloads
	Print    func(line string)                                  // receives one line per item
}

// Fetch downloads the missing items of a plan, several concurrently, and adds all available ones to the
// new revision. It returns the state of each item and collection. A failed item doesn't stop the
// others; it keeps its version from the current revision or from the cache. Errors: the cause of ctx;
// download.DiskFull; left4me.Unavailable if not a single item is available.
func (s *Source) Fetch(ctx context.Context, p *Plan, into Into) ([]left4me.WorkshopState, error) {
	t := newTally(p, s, into.Progress)
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	var unreached atomic.Int32
	for i, it := range p.items {
		if !it.wanted() {
			continue
		}
		group.Go(func() error {
			if unreached.Load() >= giveUpAt {
				it.state.State = left4me.ItemFailed
				it.state.SetNotes(left4me.NewNote("workshop.not_tried"))
				return nil
			}
			reached, err := s.fetch(each, it, t, i)
			if reached {
				unreached.Store(0)
			} else {
				unreached.Add(1)
			}
			return err
		})
	}
	err := group.Wait()
	t.end()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s.link(ctx, p, into)
}

// fetch makes sure that an item is in the cache. Failures of this item are recorded in its state; the
// error is one that would affect all items. reached is false if the item's server can't be reached.
func (s *Source) fetch(ctx context.Context, it *item, t *tally, i int) (reached bool, err error) {
	free, err := s.locks.take(ctx, it.id)
	if err != nil {
		return true, err
	}
	defer free()
	defer t.skip(i)
	if s.cached(it) {
		spare(s.path(it))
		it.disk, it.state.State = s.path(it), left4me.ItemKept
		return true, nil
	}
	if err := os.MkdirAll(filepath.Dir(s.path(it)), 0o751); err != nil {
		return true, fmt.Errorf("workshop item %s: %w", it.id, err)
	}
	request := download.Request{
		URL: s.secure(it.facts.URL), File: s.path(it), Size: it.facts.Size, Limit: largest, Head: isVPK,
		Progress: func(n left4me.Progress) { t.update(i, n) },
	}
	r, err := s.o.Downloads.Fetch(ctx, request)
	if errors.Is(err, fs.ErrNotExist) { // the cleanup removed the empty directory in the meantime
		if err = os.MkdirAll(filepath.Dir(s.path(it)), 0o751); err == nil {
			r, err = s.o.Downloads.Fetch(ctx, request)
		}
	}
	var public *left4me.Error
	switch {
	case err == nil:
		it.disk, it.state.State, it.state.Size = s.path(it), left4me.ItemFresh, r.Size
		sweep(filepath.Dir(s.path(it)))
		return true, nil
	case ctx.Err() != nil, errors.Is(err, download.DiskFull), !errors.As(err, &public):
		return true, err
	}
	it.state.State = left4me.ItemFailed
	it.state.SetNotes(left4me.NewNote("text.problem", "error", public))
	if errors.Is(err, download.ServerBusy) {
		it.state.State = left4me.ItemThrottled
	}
	return !errors.Is(err, download.Unreachable), nil
}

// secure changes http to https in addresses from Steam's older answers, unless the address is
// explicitly allowed.
func (s *Source) secure(address string) string {
	if rest, ok := strings.CutPrefix(address, "http://"); ok && !s.o.Downloads.Allowed(address) {
		return "https://" + rest
	}
	return address
}

// link adds the available items to the new revision.
func (s *Source) link(ctx context.Context, p *Plan, into Into) ([]left4me.WorkshopState, error) {
	had, wanted := 0, 0
	var why error
	names := fileNames(p)
	for _, it := range p.items {
		if it.state.State == left4me.ItemExcluded {
			continue
		}
		wanted++
		if it.disk == "" {
			s.fallBack(p, it)
		}
		line := it.id + " " + it.state.Title + ": " + it.state.State
		if it.state.Text != "" {
			line += ", " + it.state.Text
		}
		if into.Print != nil {
			into.Print(line)
		}
		if it.disk == "" {
			if why == nil {
				why = left4me.NewError(left4me.Unavailable, "workshop.nothing", "item", it.id, "reason", reason(it.state))
			}
			continue
		}
		it.state.File = addons + names[it.id]
		if err := into.Link(ctx, it.state.File, it.disk); err != nil {
			return nil, err
		}
		had++
	}
	if wanted > 0 && had == 0 {
		return nil, why
	}
	states := p.collections
	for _, it := range p.items {
		states = append(states, it.state)
	}
	return states, nil
}

// fallBack selects an older version of an unavailable item: the one of the current revision, or the
// newest in the cache.
func (s *Source) fallBack(p *Plan, it *item) {
	if it.facts.Outcome == steam.WrongApp {
		return
	}
	if it.disk = p.past.file(it.id); it.disk != "" {
		if size, ok := sizeOf(it.disk); ok {
			it.state.Size, it.state.UpdatedAt = size, p.past.states[it.id].UpdatedAt
		} else {
			it.disk = ""
		}
	}
	if it.disk == "" {
		it.disk, it.state.Size, it.state.UpdatedAt = newest(filepath.Join(s.o.Dir, it.id))
	}
	if it.disk == "" {
		return
	}
	fallback := left4me.NewNote("workshop.uses_older")
	if !it.state.UpdatedAt.IsZero() {
		fallback = left4me.NewNote("workshop.uses_version_of", "time", it.state.UpdatedAt)
	}
	it.state.SetNotes(append(it.state.Notes[:len(it.state.Notes):len(it.state.Notes)], fallback)...)
}

// reason returns the first note of an item, or nil.
func reason(s left4me.WorkshopState) any {
	if len(s.Notes) == 0 {
		return nil
	}
	return s.Notes[0]
}

// version returns the name of an item's version: the time of its last change and the ID of its content.
func version(f steam.PublishedFile) string {
	content := f.Content
	if _, err := strconv.ParseUint(content, 10, 64); err != nil || content == "0" {
		content = "s" + strconv.FormatInt(f.Size, 10)
	}
	return strconv.FormatInt(max(0, f.UpdatedAt.Unix()), 10) + "-" + content
}

// sizeOf returns the size of a regular file, or false if there is none.
func sizeOf(file string) (int64, bool) {
	info, err := os.Lstat(file)
	return sizeIf(info, err)
}

func sizeIf(info fs.FileInfo, err error) (int64, bool) {
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// spare updates the time of a cached file that no revision links to, so that the cleanup doesn't remove
// it as old just before it is linked.
func spare(file string) {
	var st unix.Stat_t
	if unix.Lstat(file, &st) == nil && st.Nlink == 1 {
		now := time.Now()
		_ = os.Chtimes(file, now, now)
	}
}

// sweep removes partial downloads of an item. The caller must hold the item's lock.
func sweep(dir string) {
	parts, _ := filepath.Glob(filepath.Join(dir, "*.part*"))
	for _, p := range parts {
		_ = os.Remove(p)
	}
}

// isVPK refuses data that is not a VPK; the error names what it is instead.
func isVPK(head []byte) error {
	if bytes.HasPrefix(head, []byte("\x34\x12\xaa\x55")) {
		return nil
	}
	for magic, what := range map[string]string{
		"PK\x03\x04": "a ZIP archive", "Rar!": "a RAR archive", "7z\xbc\xaf\x27\x1c": "a 7z archive", "\x1f\x8b": "a gzip file",
		"VBSP": "a map without its archive",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return errors.New("what came is " + what + ", not a VPK")
		}
	}
	if bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(head)), []byte("<")) {
		return errors.New("what came is a page of the web, not a VPK")
	}
	return errors.New("what came is not a VPK")
}
