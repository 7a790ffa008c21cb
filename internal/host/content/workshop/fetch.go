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

// Into is where what was fetched goes, and who hears of it.
type Into struct {
	Link     func(ctx context.Context, path, file string) error // puts a file into the new revision
	Progress func(left4me.Progress)                             // bytes of all downloads
	Print    func(line string)                                  // a line for each item
}

// Fetch downloads what is missing of a plan, some at once, and puts all that is
// to be had into the new revision. It returns what became of each item and of
// the collections. An item that fails doesn't stop the others; it keeps the
// version that the overlay had, or that is in the cache. Errors: ctx's cause;
// download.DiskFull; left4me.Unavailable when there are items, and nothing at all
// of them was to be had.
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
				it.state.State, it.state.Text = left4me.ItemFailed, "not tried any more: the servers of other items can't be reached"
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

// fetch has an item be in the cache. What goes wrong with it is in its state;
// the error is of what would go wrong with all. reached is false when its server
// can't be.
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
		Progress: func(n left4me.Progress) { t.tell(i, n) },
	}
	r, err := s.o.Downloads.Fetch(ctx, request)
	if errors.Is(err, fs.ErrNotExist) { // who removes what nothing needs took the empty directory
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
	it.state.State, it.state.Text = left4me.ItemFailed, public.Text
	if errors.Is(err, download.ServerBusy) {
		it.state.State = left4me.ItemThrottled
	}
	return !errors.Is(err, download.Unreachable), nil
}

// secure makes an address of Steam's old answers one with https, unless it is an
// exception.
func (s *Source) secure(address string) string {
	if rest, ok := strings.CutPrefix(address, "http://"); ok && !s.o.Downloads.Allowed(address) {
		return "https://" + rest
	}
	return address
}

// link puts what there is into the new revision.
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
				why = left4me.NewError(left4me.Unavailable, "workshop.nothing", "item", it.id, "reason", it.state.Text)
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

// fallBack takes an older version of an item that can't be had now: the one that
// the overlay has, or the newest that is in the cache.
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
	which := "an older version"
	if !it.state.UpdatedAt.IsZero() {
		which = "the version of " + it.state.UpdatedAt.Format("2 January 2006")
	}
	it.state.Text += "; " + which + " stays in use"
}

// version is the name of a version of an item: when it was changed, and which
// content that was.
func version(f steam.PublishedFile) string {
	content := f.Content
	if _, err := strconv.ParseUint(content, 10, 64); err != nil || content == "0" {
		content = "s" + strconv.FormatInt(f.Size, 10)
	}
	return strconv.FormatInt(max(0, f.UpdatedAt.Unix()), 10) + "-" + content
}

// sizeOf is the size of a file; false when there is none.
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

// spare keeps a file of the cache that no revision has from being removed as old
// just before it is linked.
func spare(file string) {
	var st unix.Stat_t
	if unix.Lstat(file, &st) == nil && st.Nlink == 1 {
		now := time.Now()
		_ = os.Chtimes(file, now, now)
	}
}

// sweep removes what was begun of other versions of an item. Its lock is held.
func sweep(dir string) {
	parts, _ := filepath.Glob(filepath.Join(dir, "*.part*"))
	for _, p := range parts {
		_ = os.Remove(p)
	}
}

// isVPK refuses what the game can't read, with what it is instead.
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
