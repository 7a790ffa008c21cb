// Package workshop provides the files of overlays that consist of Steam Workshop items and collections.
//
// Steam is asked about items in batches of some hundred, and its answers are cached for some minutes.
// Each version of an item is downloaded once, to workshop_cache/ITEM/VERSION.vpk, and linked from there
// into the revisions of all overlays that use it. Files in the cache are complete and start with a VPK
// header.
//
// If an item is unavailable for any reason, the overlay keeps the item's previous version: no answer of
// Steam, and no failure to answer, removes a campaign from a server.
package workshop

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/steam"
)

// Options of a Source.
type Options struct {
	Dir       string           // workshop_cache; created when needed
	API       string           // base URL of Steam's API; empty: Valve's
	Downloads *download.Client // its limits and allowed addresses apply

	Remember time.Duration // lifetime of cached answers; 0: 10 minutes
	Pause    time.Duration // first wait of a job before it asks a busy Steam again, doubling; 0: 15 s
	Quiet    time.Duration // pause of all requests after Steam stayed busy; 0: 1 minute
}

const (
	atOnce            = 4               // concurrent downloads
	tries             = 5               // attempts of a job while Steam is busy
	previewEachWithin = 8 * time.Second // timeout of each request while a user waits
	previewWithin     = 45 * time.Second
	giveUpAt          = 6       // unreachable servers in a row after which the remaining items are skipped
	largest           = 8 << 30 // maximum size of an item in bytes
	addons            = "left4dead2/addons/"
)

// Source asks Steam about items and downloads them. It may be used concurrently.
type Source struct {
	o     Options
	known memory
	locks locks
}

// New returns a Source.
func New(o Options) *Source {
	o.Remember, o.Pause, o.Quiet = cmp.Or(o.Remember, 10*time.Minute), cmp.Or(o.Pause, 15*time.Second), cmp.Or(o.Quiet, time.Minute)
	return &Source{o: o, known: newMemory(o.Remember, o.Quiet)}
}

// Preview returns the items of an overlay without downloading them. An item has the state ItemReady, or
// ItemKept if its newest version is already in the cache. Because a user waits for the result, Preview
// times out early. Errors: left4me.Unavailable if Steam can't be asked.
func (s *Source) Preview(ctx context.Context, w left4me.Workshop) ([]left4me.WorkshopState, error) {
	limited, cancel := context.WithTimeout(ctx, previewWithin)
	defer cancel()
	p, err := s.ask(limited, &steam.Client{Base: s.o.API, Timeout: previewEachWithin, Pause: min(time.Second, s.o.Pause)}, w, nil)
	if ctx.Err() == nil && limited.Err() != nil {
		return nil, steamFailure(context.DeadlineExceeded)
	}
	if err != nil {
		return nil, err
	}
	states := p.collections
	for _, it := range p.items {
		if it.wanted() {
			it.state.State = left4me.ItemReady
			if s.cached(it) {
				it.state.State = left4me.ItemKept
			}
		}
		states = append(states, it.state)
	}
	return states, nil
}

// Before describes the current revision of an overlay.
type Before struct {
	Items []left4me.WorkshopState
	File  func(path string) string // returns the location of one of its files
}

// past indexes the items of the current revision.
type past struct {
	states map[string]left4me.WorkshopState
	disk   func(path string) string
}

func (b *Before) past() past {
	if b == nil {
		return past{}
	}
	p := past{states: make(map[string]left4me.WorkshopState, len(b.Items)), disk: b.File}
	for _, s := range b.Items {
		p.states[string(s.ID)] = s
	}
	return p
}

// file returns the location of an item's file in the current revision; empty if it has none.
func (p past) file(id string) string {
	if s := p.states[id]; p.disk != nil && s.File != "" {
		return p.disk(s.File)
	}
	return ""
}

// Ask asks Steam for the items of an overlay. While Steam is busy, Ask retries for some minutes. If
// Steam can't be asked at all, the plan consists of the previous items, if these cover all entries.
// Errors: left4me.Unavailable; left4me.Invalid if there are too many items.
func (s *Source) Ask(ctx context.Context, w left4me.Workshop, before *Before) (*Plan, error) {
	return s.ask(ctx, &steam.Client{Base: s.o.API, Pause: s.o.Pause, Tries: tries}, w, before)
}

// cached reports whether the current version of an item is in the cache.
func (s *Source) cached(it *item) bool {
	size, ok := sizeOf(s.path(it))
	return ok && (it.facts.Size == 0 || size == it.facts.Size)
}

// path returns the location of an item's current version in the cache.
func (s *Source) path(it *item) string {
	return filepath.Join(s.o.Dir, it.id, version(it.facts)+".vpk")
}
