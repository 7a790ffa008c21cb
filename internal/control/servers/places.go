package servers

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// Limits of the cache of places.
const (
	maxStacks   = 256
	placesAgain = 10 * time.Second // pause after a host did not answer
)

// officialPlaces holds the places of the maps included in the game.
var officialPlaces = sync.OnceValue(func() left4me.Places { return left4me.PlacesOf(left4me.OfficialCampaigns()) })

// places caches the places of maps by stack of overlays. Rendering a list of servers must not wait for a
// host: a stack that is not in the cache is queried in the background, and the servers change once its
// answer is here.
type places struct {
	mu     sync.Mutex
	stacks map[string]left4me.Places
	wanted map[string]*wantedPlaces
	wake   chan struct{} // holds one value if a stack is wanted
}

// wantedPlaces is a stack that was needed, and the servers that need it.
type wantedPlaces struct {
	host    left4me.Name
	stack   []left4me.OverlayRef // overlays under their names on the host
	servers map[left4me.Name]bool
}

func newPlaces() *places {
	return &places{stacks: map[string]left4me.Places{}, wanted: map[string]*wantedPlaces{}, wake: make(chan struct{}, 1)}
}

// of returns the place of a map of a server, or the zero Place until the host was queried. stack are the
// overlays by host names, with the current revisions of those that are not pinned.
func (p *places) of(server, host left4me.Name, stack []left4me.OverlayRef, current map[left4me.Name]int, name, mode string) left4me.Place {
	if name == "" {
		return left4me.Place{}
	}
	if at := officialPlaces().Of(name, mode); at.Campaign != "" || len(stack) == 0 {
		return at
	}
	var key strings.Builder
	key.WriteString(string(host))
	for _, o := range stack {
		key.WriteString(" " + string(o.Name) + "@" + strconv.Itoa(cmp.Or(o.Revision, current[o.Name])))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.stacks[key.String()]; ok {
		return known.Of(name, mode)
	}
	w := p.wanted[key.String()]
	if w == nil {
		if len(p.wanted) >= maxStacks {
			return left4me.Place{} // a later request asks again
		}
		w = &wantedPlaces{host, stack, map[left4me.Name]bool{}}
		p.wanted[key.String()] = w
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	w.servers[server] = true
	return left4me.Place{}
}

// next returns a wanted stack.
func (p *places) next() (key string, w *wantedPlaces) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, w := range p.wanted {
		return key, w
	}
	return "", nil
}

// put stores the answer for a stack and returns the servers that needed it.
func (p *places) put(key string, all left4me.Places) (servers []left4me.Name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.stacks) >= maxStacks {
		clear(p.stacks)
	}
	p.stacks[key] = all
	for n := range p.wanted[key].servers {
		servers = append(servers, n)
	}
	delete(p.wanted, key)
	return servers
}

// findPlaces queries hosts for the places of maps until ctx ends.
func findPlaces(ctx context.Context, s *Servers) {
	for {
		select {
		case <-s.places.wake:
		case <-ctx.Done():
			return
		}
		for key, w := s.places.next(); w != nil && ctx.Err() == nil; key, w = s.places.next() {
			all, err := campaignsOnHost(ctx, s, w.host, left4me.Spec{Overlays: w.stack})
			if err != nil {
				if ctx.Err() == nil {
					s.log.InfoContext(ctx, "names of maps", "host", w.host, "again in", placesAgain, "err", err)
				}
				_ = sleep.For(ctx, placesAgain)
				continue
			}
			changed := s.places.put(key, left4me.PlacesOf(all))
			s.status.placesFound()
			for _, n := range changed {
				s.status.changed(n)
			}
		}
	}
}

// placesFound records that results of List have changed.
func (l *statuses) placesFound() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	l.changes.Ring()
}

// campaignsOnHost returns the campaigns that a server on a host can play.
func campaignsOnHost(ctx context.Context, s *Servers, host left4me.Name, sp left4me.Spec) (all []left4me.Campaign, err error) {
	hint, err := s.TextHint(ctx)
	if err != nil {
		return nil, err
	}
	err = s.askHost(ctx, host, bus.VerbCampaigns, bus.StackRequest{V: bus.Version, Spec: sp, Hint: hint}, &all)
	return all, err
}

// FirstMap returns the map that the server starts with; empty for the game's default.
func (v View) FirstMap() string { return left4me.MapName(cmp.Or(v.Settings.Map, v.base.Settings.Map)) }

// Mode returns the mode that the server plays, or else the one that it starts with.
func (v View) Mode() string {
	return cmp.Or(v.Status.Mode, left4me.MapName(cmp.Or(v.Settings.Mode, v.base.Settings.Mode)), "coop")
}

// Stack returns the overlays that the server would be started with, top first: its own and those of its
// blueprint. The list must not be changed.
func (v View) Stack() []left4me.OverlayRef { return v.stack }
