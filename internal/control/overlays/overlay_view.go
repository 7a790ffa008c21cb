package overlays

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// listWithin limits how long a host may take to list its overlays.
const listWithin = 10 * time.Second

// known holds the definitions of all overlays and their content on the host.
type known struct {
	definitions  map[left4me.Name]store.Overlay
	contents     map[left4me.Name]left4me.Content
	overlayNames left4me.OverlayNames // names on the host and current names
	problem      error                // why the host did not answer; contents is then empty
}

// known reads all definitions and queries the host. A host that doesn't answer is recorded in the
// result and isn't an error.
func (c *Overlays) known(ctx context.Context) (known, error) {
	k := known{definitions: map[left4me.Name]store.Overlay{}, contents: map[left4me.Name]left4me.Content{}}
	all, err := c.storage.Overlays().List(ctx)
	if err != nil {
		return k, err
	}
	onHost := map[left4me.Name]left4me.Name{}
	for _, v := range all {
		if k.definitions[v.Name] = v; v.HostName != "" {
			onHost[v.Name] = v.HostName
		}
	}
	k.overlayNames = left4me.NewOverlayNames(onHost)
	var have []left4me.Content
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	k.problem = c.bus.Request(ctx, bus.Command(c.host, bus.VerbContents), bus.Empty{V: bus.Version}, &have)
	for _, v := range have {
		if k.overlayNames.Foreign(v.Name) {
			continue
		}
		nameContent(c, &v, k.overlayNames)
		k.contents[v.Name] = v
	}
	return k, nil
}

// deleted reports whether the definition of an overlay is marked as deleted.
func (k known) deleted(n left4me.Name) bool { return !k.definitions[n].DeletedAt.IsZero() }

// names returns the names of all overlays, sorted.
func (k known) names() []left4me.Name {
	var all []left4me.Name
	for n := range k.definitions {
		all = append(all, n)
	}
	for n := range k.contents {
		if _, ok := k.definitions[n]; !ok {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// defined returns the definition of an overlay; without a row it is a files overlay.
func (k known) defined(n left4me.Name) store.Overlay {
	if d, ok := k.definitions[n]; ok {
		return d
	}
	have := k.contents[n]
	d := store.Overlay{Overlay: left4me.Overlay{Name: n, Kind: left4me.FilesOverlay}, DeletedAt: have.DeletedAt}
	if last := len(have.Revisions) - 1; last >= 0 {
		d.CreatedAt, d.UpdatedAt = have.Revisions[last].CreatedAt, have.Revisions[0].CreatedAt
	}
	return d
}

// Names returns the names of the overlays that can be stacked. Errors: left4me.Unavailable if the
// host doesn't answer.
func (c *Overlays) Names(ctx context.Context) ([]left4me.Name, error) {
	k, err := c.known(ctx)
	if err = errors.Join(err, k.problem); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(k.names(), func(n left4me.Name) bool { return !k.defined(n).DeletedAt.IsZero() }), nil
}

// List returns all overlays by name, deleted ones last.
func (c *Overlays) List(ctx context.Context) ([]View, error) {
	k, err := c.known(ctx)
	if err != nil {
		return nil, err
	}
	use, err := c.uses(ctx)
	if err != nil {
		return nil, err
	}
	if use.failed, err = c.jobs.Failed(ctx, left4me.BuildOverlay.Noun(), k.names()); err != nil {
		return nil, err
	}
	views := make([]View, 0, len(k.definitions)+len(k.contents))
	for _, n := range k.names() {
		views = append(views, view(n, k, use))
	}
	slices.SortStableFunc(views, func(a, b View) int {
		return cmp.Compare(boolInt(!a.DeletedAt.IsZero()), boolInt(!b.DeletedAt.IsZero()))
	})
	return views, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Get returns one overlay. Errors: left4me.NotFound.
func (c *Overlays) Get(ctx context.Context, name left4me.Name) (View, error) {
	k, err := c.known(ctx)
	if err != nil {
		return View{}, err
	}
	if err := k.exists(name); err != nil {
		return View{}, err
	}
	use, err := c.uses(ctx)
	if err != nil {
		return View{}, err
	}
	use.failed, err = c.jobs.Failed(ctx, left4me.BuildOverlay.Noun(), []left4me.Name{name})
	return view(name, k, use), err
}

// exists checks that an overlay exists, deleted or not. Errors: left4me.NotFound,
// left4me.Unavailable if only the host could tell.
func (k known) exists(name left4me.Name) error {
	_, defined := k.definitions[name]
	_, there := k.contents[name]
	switch {
	case defined, there:
		return nil
	case k.problem != nil:
		return k.problem
	}
	return left4me.NewError(left4me.NotFound, "overlay.unknown", "overlay", name)
}

func view(name left4me.Name, k known, use uses) View {
	d := k.defined(name)
	v := View{
		Overlay: d.Overlay, Content: k.contents[name], CheckedAt: d.CheckedAt, DeletedAt: d.DeletedAt,
		Blueprints: use.blueprints[name], Servers: use.servers[name],
	}
	v.Content.Name = name
	v.Behind = behind(v.Content, use.wants[name])
	if j, ok := use.active[name]; ok {
		v.Job = &j
	} else if j, ok := use.failed[name]; ok {
		v.Failed = &j
	}
	if e, ok := left4me.Public(k.problem); ok {
		v.Problem = e.Text
	} else if k.problem != nil {
		v.Problem = "the host can't be asked"
	}
	return v
}

// behind returns the servers that would run another revision after a restart. wants maps servers to
// the revision they stack, 0 for the current one.
func behind(have left4me.Content, wants map[left4me.Name]int) (all []Behind) {
	for _, r := range have.Revisions {
		for _, s := range r.Servers {
			to, stacked := wants[s]
			if stacked && to == 0 {
				to = have.Current
			}
			if to != r.Number {
				all = append(all, Behind{Server: s, From: r.Number, To: to})
			}
		}
	}
	return all
}

// uses lists who stacks which overlay.
type uses struct {
	blueprints, servers map[left4me.Name][]left4me.Name // users of each overlay
	// By overlay and server: the stacked revision, 0 for the current one.
	wants          map[left4me.Name]map[left4me.Name]int
	pinnedBy       pins
	active, failed map[left4me.Name]left4me.Job
}

func (c *Overlays) uses(ctx context.Context) (uses, error) {
	u := uses{
		blueprints: map[left4me.Name][]left4me.Name{},
		servers:    map[left4me.Name][]left4me.Name{},
		wants:      map[left4me.Name]map[left4me.Name]int{},
		pinnedBy:   pins{pinned{}, pinned{}},
	}
	blueprints, err := c.storage.Blueprints().List(ctx)
	if err != nil {
		return u, err
	}
	servers, err := c.storage.Servers().List(ctx)
	if err != nil {
		return u, err
	}
	if u.active, err = c.jobs.Active(ctx, left4me.BuildOverlay.Noun()); err != nil {
		return u, err
	}
	stacks := map[left4me.Name][]left4me.OverlayRef{}
	for _, b := range blueprints {
		stacks[b.Name] = b.Overlays
		for _, r := range b.Overlays {
			u.blueprints[r.Name] = append(u.blueprints[r.Name], b.Name)
			u.pinnedBy.blueprints.add(r, b.Name)
		}
	}
	for _, s := range servers {
		for _, r := range s.Overlays {
			u.pinnedBy.servers.add(r, s.Name)
		}
		for _, r := range slices.Concat(s.Overlays, stacks[s.Blueprint]) {
			if _, above := u.wants[r.Name][s.Name]; above {
				continue // the server's own stack overrides its blueprint
			}
			if u.wants[r.Name] == nil {
				u.wants[r.Name] = map[left4me.Name]int{}
			}
			u.wants[r.Name][s.Name] = r.Revision
			u.servers[r.Name] = append(u.servers[r.Name], s.Name)
		}
	}
	return u, nil
}

// pins lists the blueprints and servers that pin a revision.
type pins struct{ blueprints, servers pinned }

type pinned map[left4me.OverlayRef][]left4me.Name

func (p pinned) add(r left4me.OverlayRef, who left4me.Name) {
	if r.Revision > 0 {
		p[r] = append(p[r], who)
	}
}

// View is an overlay with its state on the host.
type View struct {
	left4me.Overlay
	Content    left4me.Content
	Problem    string         // why the host did not answer; Content is then empty
	Job        *left4me.Job   // queued or running build, or nil
	Failed     *left4me.Job   // newest job if it failed, without its log
	Blueprints []left4me.Name // blueprints that stack it
	Servers    []left4me.Name // servers that stack it, directly or by their blueprint
	Behind     []Behind       // servers that run another revision than after a restart
	CheckedAt  time.Time      // last check for a newer version
	DeletedAt  time.Time      // zero unless deleted
}

// Behind is a running server that would run another revision of an overlay after a restart.
type Behind struct {
	Server left4me.Name
	From   int
	To     int // 0: no longer in its stack
}
