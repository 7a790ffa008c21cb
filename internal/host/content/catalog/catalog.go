// Package catalog determines the campaigns of a stack of layers: those of the game and those of
// overlays.
//
// Layers never change, so each is inspected once. Results are cached; the least recently used ones are
// evicted.
package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/left4me/left4me/internal/host/content/inspect"
	"github.com/left4me/left4me/internal/left4me"
)

// Limits for the cache and for one answer, which is sent over the bus.
const (
	maxLayers    = 500
	maxChapters  = 15_000
	maxCampaigns = 1000
	maxText      = 500 // length of a description in bytes
)

// Catalog caches the campaigns of layers. It is safe for concurrent use.
type Catalog struct {
	inspecting chan struct{} // held during an inspection, so that a layer is read only once
	layers     map[key]*cached
	clock      int64
}

// key identifies a directory and its state; a replaced directory has another inode.
type key struct {
	dir     string
	inode   uint64
	hint    string
	changed int64
}

type cached struct {
	campaigns []left4me.Campaign
	used      int64
}

// New returns an empty catalog.
func New() *Catalog {
	return &Catalog{inspecting: make(chan struct{}, 1), layers: map[key]*cached{}}
}

// Campaigns returns the campaigns of a stack, top first: those of the game in the usual order, then
// those of each overlay. A file in an upper layer hides the file at the same path in lower layers. A
// campaign without an ID contains maps that no mission refers to. If no campaign of the game can be
// read, its campaigns are left4me.OfficialCampaigns. Missing layers are skipped. Errors: that of ctx,
// and read errors.
func (c *Catalog) Campaigns(ctx context.Context, layers []inspect.Layer) ([]left4me.Campaign, error) {
	var game, added []left4me.Campaign
	seen := map[string]bool{}
	for _, l := range layers {
		found, err := c.layer(ctx, l)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		places := map[string]bool{}
		for _, f := range found {
			place := cmp.Or(f.File, f.Mission)
			switch {
			case place != "" && seen[place]:
				continue
			case l.Name != "":
				f.Overlay = l.Name // the overlay may have been renamed after the inspection
				added = append(added, f)
			case f.ID != "":
				game = append(game, f)
			}
			places[place] = true
		}
		for p := range places {
			seen[p] = true
		}
	}
	return bounded(append(official(game), withoutNamed(added, game)...)), nil
}

// layer returns the campaigns of a layer, inspecting it if necessary.
func (c *Catalog) layer(ctx context.Context, l inspect.Layer) ([]left4me.Campaign, error) {
	st, err := os.Stat(l.Dir)
	if err != nil {
		return nil, err
	}
	k := key{dir: l.Dir, hint: l.Hint, changed: st.ModTime().UnixNano()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		k.inode = sys.Ino
	}
	select {
	case c.inspecting <- struct{}{}:
		defer func() { <-c.inspecting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.clock++
	if v := c.layers[k]; v != nil {
		v.used = c.clock
		return v.campaigns, nil
	}
	found, err := inspect.Campaigns(ctx, l)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Description = strings.ToValidUTF8(found[i].Description[:min(maxText, len(found[i].Description))], "")
	}
	c.layers[k] = &cached{found, c.clock}
	if len(c.layers) > maxLayers {
		c.evict()
	}
	return found, nil
}

// evict removes the least recently used layer.
func (c *Catalog) evict() {
	var oldest key
	for k, v := range c.layers {
		if o := c.layers[oldest]; o == nil || v.used < o.used {
			oldest = k
		}
	}
	delete(c.layers, oldest)
}

// withoutNamed removes maps from campaigns without a mission if a mission of another layer refers to
// them.
func withoutNamed(all, game []left4me.Campaign) []left4me.Campaign {
	named := map[string]bool{}
	for _, c := range slices.Concat(all, game) {
		for mode, chapters := range c.Modes {
			for _, ch := range chapters {
				named[ch.Map] = named[ch.Map] || mode != left4me.AnyMode
			}
		}
	}
	var out []left4me.Campaign
	for _, c := range all {
		if c.ID == "" && c.Mission == "" {
			var left []left4me.Chapter
			for _, ch := range c.Modes[left4me.AnyMode] {
				if !named[ch.Map] {
					left = append(left, ch)
				}
			}
			if len(left) == 0 {
				continue
			}
			c.Modes = map[string][]left4me.Chapter{left4me.AnyMode: left}
		}
		out = append(out, c)
	}
	return out
}

// bounded truncates the list to the limits of one answer.
func bounded(all []left4me.Campaign) []left4me.Campaign {
	left := maxChapters
	for i, c := range all {
		for _, chapters := range c.Modes {
			left -= len(chapters)
		}
		if left < 0 || i == maxCampaigns {
			return all[:i]
		}
	}
	return all
}

// dirs are the directories of the game in search order.
var dirs = []string{"update", "left4dead2_dlc3", "left4dead2_dlc2", "left4dead2_dlc1", "left4dead2"}

// official sorts the campaigns of the game, removes duplicates, and replaces references to the game's
// texts by titles.
func official(found []left4me.Campaign) []left4me.Campaign {
	known := left4me.OfficialCampaigns()
	if len(found) == 0 {
		return known
	}
	rank := func(c left4me.Campaign) int {
		top, _, _ := strings.Cut(cmp.Or(c.File, c.Mission), "/")
		return slices.Index(dirs, top)
	}
	place := func(c left4me.Campaign) int {
		i := slices.IndexFunc(known, func(k left4me.Campaign) bool { return strings.EqualFold(k.ID, c.ID) })
		if i < 0 {
			return len(known)
		}
		return i
	}
	slices.SortStableFunc(found, func(a, b left4me.Campaign) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)),
			cmp.Compare(rank(a), rank(b)))
	})
	found = slices.CompactFunc(found, func(a, b left4me.Campaign) bool { return strings.EqualFold(a.ID, b.ID) })
	for i, c := range found {
		// The game's files can't be downloaded and contain no pictures that browsers can show.
		c.File, c.Image = "", ""
		if p := place(c); p < len(known) {
			c = titled(c, known[p])
		}
		found[i] = c
	}
	return found
}

// titled adds missing titles to a campaign from the known one.
func titled(c, known left4me.Campaign) left4me.Campaign {
	if c.Title == c.ID {
		c.Title = known.Title
	}
	titles := map[string]string{}
	for _, ch := range known.Modes["coop"] {
		titles[ch.Map] = fmt.Sprintf("%d: %s", ch.Number, ch.Title)
	}
	modes := make(map[string][]left4me.Chapter, len(c.Modes)) // copy: the modes of c are cached
	for mode, chapters := range c.Modes {
		modes[mode] = slices.Clone(chapters)
		for k, ch := range modes[mode] {
			if t := titles[ch.Map]; ch.Title == ch.Map && t != "" {
				modes[mode][k].Title = t
			}
		}
	}
	c.Modes = modes
	return c
}
