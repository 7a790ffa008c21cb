// Package workshop makes the files of overlays from items and collections of the
// Steam workshop.
//
// Steam is asked what the items are, seldom and some hundred at a time; answers
// are believed for some minutes. Each version of an item is downloaded once, to
// workshop_cache/ITEM/VERSION.vpk, whichever overlays want it, and linked from
// there into the revisions. A file there is whole and has the beginning of a VPK.
//
// An item that can't be had now, whatever the reason, keeps the version that the
// overlay had before: nothing that Steam says, or doesn't, takes a campaign from
// a server.
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
	Dir       string           // workshop_cache; it is made when it is needed
	API       string           // of Steam; empty is Valve's
	Downloads *download.Client // whose limits and exceptions hold

	Remember time.Duration // how long Steam's answers are believed; 10 minutes if it is 0
	Pause    time.Duration // before a busy Steam is asked again by a job; 15 s if it is 0, doubling
	Quiet    time.Duration // how long a Steam that stays busy is not asked at all; 1 minute if it is 0
}

const (
	atOnce            = 4               // downloads
	tries             = 5               // of a job that asks a busy Steam
	previewEachWithin = 8 * time.Second // each question of somebody who waits
	previewWithin     = 45 * time.Second
	giveUpAt          = 6       // items in a row whose server can't be reached: the others aren't tried
	largest           = 8 << 30 // bytes of an item
	addons            = "left4dead2/addons/"
)

// Source asks Steam and downloads. It may be used concurrently.
type Source struct {
	o     Options
	known memory
	locks locks
}

// New makes a Source.
func New(o Options) *Source {
	o.Remember, o.Pause, o.Quiet = cmp.Or(o.Remember, 10*time.Minute), cmp.Or(o.Pause, 15*time.Second), cmp.Or(o.Quiet, time.Minute)
	return &Source{o: o, known: newMemory(o.Remember, o.Quiet)}
}

// Preview says what the items of an overlay are, without downloading anything. Items
// are ItemReady, or ItemKept when their newest version is here already. Somebody
// waits for it: it gives up soon. Errors: left4me.Unavailable when Steam can't be
// asked.
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

// Before is what an overlay has now.
type Before struct {
	Items []left4me.WorkshopState
	File  func(path string) string // where a file of it is on the disk
}

// past is what is known of the items that an overlay had.
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

// file is where the file of an item is that the overlay has now; empty: it has none.
func (p past) file(id string) string {
	if s := p.states[id]; p.disk != nil && s.File != "" {
		return p.disk(s.File)
	}
	return ""
}

// Ask asks Steam what an overlay is made of. It is patient: a busy Steam is asked
// again for some minutes. When it can't be asked at all, what the overlay had
// before is planned, if that is enough. Errors: left4me.Unavailable, Invalid when
// there are too many items.
func (s *Source) Ask(ctx context.Context, w left4me.Workshop, before *Before) (*Plan, error) {
	return s.ask(ctx, &steam.Client{Base: s.o.API, Pause: s.o.Pause, Tries: tries}, w, before)
}

// cached reports whether the version of an item that Steam has is here.
func (s *Source) cached(it *item) bool {
	size, ok := sizeOf(s.path(it))
	return ok && (it.facts.Size == 0 || size == it.facts.Size)
}

// path is where the version of an item is kept that Steam has now.
func (s *Source) path(it *item) string {
	return filepath.Join(s.o.Dir, it.id, version(it.facts)+".vpk")
}
