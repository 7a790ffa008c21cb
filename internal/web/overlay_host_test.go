package web_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayHost is the content of overlays on the host of the tests.
type overlayHost struct {
	mu        sync.Mutex
	contents  []left4me.Content
	files     map[string]string // contents of the files of each overlay's current revision, by "overlay/path"
	plan      left4me.Plan
	items     []left4me.WorkshopState
	campaigns []left4me.Campaign
	mute      bool // requests for campaigns fail
	treeless  bool // requests for lists of files fail

	beforeTree func() // called while a page is being built
	disk       string // directory of the files under the root, if they exist on disk
	asked      []any  // requests for changes and plans, in order
}

// has sets the content of an overlay that the host reports.
func (s *overlayHost) has(c left4me.Content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, o := range s.contents {
		if o.Name == c.Name {
			s.contents[i] = c
			return
		}
	}
	s.contents = append(s.contents, c)
}

func (s *overlayHost) note(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, v)
}

// last returns the latest request of a type.
func last[T any](tb testing.TB, s *overlayHost) T {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.asked) - 1; i >= 0; i-- {
		if v, ok := s.asked[i].(T); ok {
			return v
		}
	}
	tb.Fatalf("the host received no request of type %T", *new(T))
	panic("unreachable")
}

func (s *overlayHost) content(n left4me.Name) (left4me.Content, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.contents {
		if c.Name == n {
			return c, nil
		}
	}
	return left4me.Content{}, &left4me.Error{Kind: left4me.NotFound, Text: "there is no such overlay"}
}

func (s *overlayHost) start(ctx context.Context, b *bus.Bus) error {
	return errors.Join(
		answers(ctx, b, bus.VerbContents, func(bus.Empty) (any, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.contents, nil
		}),
		answers(ctx, b, bus.VerbContent, func(r bus.OverlayRequest) (any, error) { return s.content(r.Overlay) }),
		answers(ctx, b, bus.VerbUse, func(r bus.OverlayRequest) (any, error) {
			c, err := s.content(r.Overlay)
			c.Current = r.Revision
			if err == nil {
				s.has(c)
			}
			return c, err
		}),
		answers(ctx, b, bus.VerbLabel, func(r bus.LabelRequest) (any, error) {
			s.note(r)
			return s.content(r.Overlay)
		}),
		answers(ctx, b, bus.VerbDropRev, func(r bus.OverlayRequest) (any, error) {
			s.note(r)
			return s.content(r.Overlay)
		}),
		answers(ctx, b, bus.VerbCampaigns, func(r bus.StackRequest) (any, error) {
			s.note(r)
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.mute {
				return nil, &left4me.Error{Kind: left4me.Unavailable, Text: "the disk is away"}
			}
			return s.campaigns, nil
		}),
		answers(ctx, b, bus.VerbTree, s.tree),
		answers(ctx, b, bus.VerbFile, s.file),
		answers(ctx, b, bus.VerbDiff, func(r bus.DiffRequest) (any, error) {
			s.note(r)
			return left4me.Page[left4me.FileChange]{Total: 3, Items: []left4me.FileChange{
				{Path: "left4dead2/addons/a.vpk", What: "changed", From: 1000, To: 2_000_000},
				{Path: "left4dead2/cfg/server.cfg", What: "added", To: 12},
				{Path: "left4dead2/cfg/old\u202e.cfg", What: "removed", From: 12},
			}}, nil
		}),
		answers(ctx, b, bus.VerbPlan, func(r bus.PlanRequest) (any, error) {
			s.note(r)
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.plan, nil
		}),
		answers(ctx, b, bus.VerbWorkshop, func(r left4me.Workshop) (any, error) {
			s.note(r)
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.items, nil
		}),
	)
}

func answers[T any](ctx context.Context, b *bus.Bus, verb string, f func(T) (any, error)) error {
	return b.Answer(ctx, bus.Command(left4me.LocalHost, verb), func(_ context.Context, _ string, data []byte) (any, error) {
		var r T
		if err := bus.Decode(data, &r); err != nil {
			return nil, err
		}
		return f(r)
	})
}

func (s *overlayHost) tree(r bus.TreeRequest) (any, error) {
	if s.beforeTree != nil {
		s.beforeTree()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.treeless {
		return nil, &left4me.Error{Kind: left4me.Unavailable, Text: "the disk is away"}
	}
	for _, c := range s.contents {
		if c.Name == r.Overlay && !c.DeletedAt.IsZero() {
			return nil, &left4me.Error{Kind: left4me.NotFound, Text: fmt.Sprintf("overlay %s has no revision %d", r.Overlay, r.Revision)}
		}
	}
	var p left4me.Page[left4me.TreeFile]
	seen := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		text := s.files[path]
		rest, ok := strings.CutPrefix(path, string(r.Overlay)+"/")
		if !ok {
			continue
		}
		if r.Query != "" || r.Deep {
			if strings.Contains(rest, r.Query) {
				p.Items = append(p.Items, left4me.TreeFile{Path: rest, Size: int64(len(text))})
			}
			continue
		}
		below, ok := strings.CutPrefix(rest, r.Dir+"/")
		if r.Dir == "" {
			below, ok = rest, true
		}
		if !ok {
			continue
		}
		name, _, dir := strings.Cut(below, "/")
		full := strings.TrimPrefix(r.Dir+"/"+name, "/")
		if !seen[full] {
			seen[full] = true
			p.Items = append(p.Items, left4me.TreeFile{Path: full, Dir: dir, Size: int64(len(text))})
		}
	}
	p.Total = len(p.Items)
	return p, nil
}

func (s *overlayHost) file(r bus.FileRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := r.Path
	if r.Inside != "" {
		path += "/" + r.Inside
	}
	text, ok := s.files[string(r.Overlay)+"/"+path]
	if old, there := s.files[fmt.Sprintf("%s@%d/%s", r.Overlay, r.Revision, path)]; there {
		text, ok = old, true
	}
	if !ok {
		return nil, &left4me.Error{Kind: left4me.NotFound, Text: "the file does not exist"}
	}
	disk := s.disk
	if disk != "" && r.Inside == "" {
		disk += path
	}
	return bus.FileAnswer{
		V:        bus.Version,
		Disk:     disk,
		Revision: r.Revision,
		Size:     int64(len(text)),
		Hash:     fmt.Sprintf("%x", text),
		Data:     []byte(text),
	}, nil
}

var longAgo = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// someMaps returns the content of an overlay with three revisions. The second is current.
func someMaps(name left4me.Name) left4me.Content {
	return left4me.Content{
		Name: name, Current: 2, Own: 1_200_000_000, Shared: 310_000_000,
		Revisions: []left4me.Revision{
			{
				Number:    3,
				CreatedAt: longAgo.Add(48 * time.Hour),
				By:        "admin",
				Note:      "asked for",
				Files:     5,
				Bytes:     2_000_000,
				Own:       100,
				Added:     1,
				Origin:    "added 1 item",
			},
			{
				Number: 2, CreatedAt: longAgo.Add(24 * time.Hour), By: "admin", Label: "Friday <b>", Note: "daily refresh", Files: 4,
				Bytes: 1_500_000_000, Own: 1_000_000_000, Added: 2, Changed: 1, Removed: 1, Warned: 2,
				Warnings: []left4me.Warning{
					{
						Kind: left4me.WarnSameFile,
						Path: "left4dead2/addons/a.vpk",
						Text: "a.vpk and b.vpk both have scripts/vscripts/director.nut",
						Hint: "leave one of them out: the game takes the one that comes first by name",
					},
					{Kind: left4me.WarnNoMission, Text: "no mission names the map \u202exm1"},
				},
				Campaigns: []left4me.Campaign{{
					ID: "Glubtastic4", Title: "Glubtastic 4 <script>", Author: "somebody", Version: "3", File: "left4dead2/addons/a.vpk",
					Modes: map[string][]left4me.Chapter{
						"coop":   {{Number: 1, Map: "glub1", Title: "The start"}, {Number: 2, Map: "glub2", Title: "The middle"}},
						"versus": {{Number: 1, Map: "glub1", Title: "The start"}},
					},
				}},
			},
			{Number: 1, CreatedAt: longAgo, By: "guest", Files: 3, Bytes: 900, Own: 900, Added: 3, Servers: []left4me.Name{"alpha"}},
		},
	}
}
