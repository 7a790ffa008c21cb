package overlays_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
	"github.com/left4me/left4me/internal/store"
)

// site is Overlays on a real store and a real bus. It has no host until serve is called; lay sets
// what the host has.
type site struct {
	*overlays.Overlays
	jobs    *jobs.Jobs
	servers *servers.Servers
	store   *store.Store
	bus     *bus.Bus

	mu       sync.Mutex
	contents map[left4me.Name]left4me.Content
	statuses map[left4me.Name]left4me.Status
	asked    []string // verbs with their requests
	answers  map[string]func(data []byte) (any, error)
}

func newSite(t *testing.T) *site {
	t.Helper()
	on := sitetest.Open(t, t.TempDir())
	c := on.Control(servers.PortRange{Low: 32100, High: 32199})
	s := &site{
		Overlays: c.Overlays, jobs: c.Jobs, servers: c.Servers, store: on.Store, bus: on.Bus,
		contents: map[left4me.Name]left4me.Content{}, statuses: map[left4me.Name]left4me.Status{},
	}
	if err := lifecycletest.Start(on.Ctx, c.Jobs, c.Servers); err != nil {
		t.Fatal(err)
	}
	return s
}

// lay gives the host an overlay with a number of revisions, the newest of which is current.
func (s *site) lay(name left4me.Name, revisions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := left4me.Content{Name: name, Current: revisions}
	for n := revisions; n > 0; n-- {
		v.Revisions = append(v.Revisions, left4me.Revision{Number: n, CreatedAt: time.Now().UTC()})
	}
	s.contents[name] = v
}

// serve starts the agent of the host, which answers requests. Its jobs end with the error that end
// returns.
func (s *site) serve(t *testing.T, end func(bus.JobMessage) *left4me.Error) {
	t.Helper()
	ctx := t.Context()
	err := s.bus.Answer(ctx, bus.Command(left4me.LocalHost, "*"), func(_ context.Context, subject string, data []byte) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		verb := bus.VerbOf(subject)
		if answer := s.answers[verb]; answer != nil {
			s.asked = append(s.asked, verb+" "+string(data))
			return answer(data)
		}
		switch verb {
		case bus.VerbContents:
			return slices.Collect(maps.Values(s.contents)), nil
		case bus.VerbStatus:
			return slices.Collect(maps.Values(s.statuses)), nil
		case bus.VerbCurrents:
			all := bus.Currents{V: bus.Version, Revisions: map[left4me.Name]int{}}
			for n, v := range s.contents {
				all.Revisions[n] = v.Current
			}
			return all, nil
		case bus.VerbUse, bus.VerbLabel, bus.VerbDropRev:
			s.asked = append(s.asked, verb+" "+string(data))
			return left4me.Content{Name: "maps"}, nil
		}
		return bus.Empty{V: bus.Version}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		s.bus.Work(ctx, left4me.LocalHost, func(d bus.Delivery) { go s.workOn(ctx, d, end) }),
		s.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}))
	if err != nil {
		t.Fatal(err)
	}
}

// workOn performs a job.
func (s *site) workOn(ctx context.Context, d bus.Delivery, end func(bus.JobMessage) *left4me.Error) {
	var claim bus.ClaimAnswer
	err := s.bus.Request(ctx, bus.Ask(left4me.LocalHost, bus.VerbClaim), bus.ClaimRequest{V: bus.Version, ID: d.ID}, &claim)
	if err != nil || claim.Verdict == bus.Later {
		_ = d.Later(10 * time.Millisecond)
		return
	}
	if claim.Verdict == bus.Go {
		r := bus.JobReport{V: bus.Version, ID: d.ID, State: left4me.JobDone}
		if end != nil {
			if r.Error = end(d.JobMessage); r.Error != nil {
				r.State = left4me.JobFailed
			}
		}
		_ = s.bus.Request(ctx, bus.Ask(left4me.LocalHost, bus.VerbReport), r, nil)
	}
	_ = d.Done()
}

// ended waits for the end of a job.
func (s *site) ended(t *testing.T, j left4me.Job, err error) left4me.Job {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	changes, err := s.jobs.Watch(ctx, j.ID)
	if err != nil {
		t.Fatal(err)
	}
	for j = range changes {
		if j.State.Ended() {
			return j
		}
	}
	t.Fatalf("%s on %s did not end", j.Kind, j.Target)
	return j
}

func TestBlueprintsStackOverlaysOfHost(t *testing.T) {
	c := newSite(t)
	// Without overlays the host isn't queried.
	if v, err := c.Blueprints().Create(t.Context(), left4me.ByUser("tester"), left4me.Blueprint{Name: "plain"}); err != nil ||
		v.CreatedAt.IsZero() {
		t.Errorf("got %+v, error %v", v, err)
	}
	want := left4me.Blueprint{Name: "versus", Overlays: left4me.Refs("plugins", "maps"), Settings: left4me.Settings{Mode: "versus"}}
	if _, err := c.Blueprints().Create(t.Context(), left4me.ByUser("tester"), want); !errors.Is(err, left4me.Unavailable) {
		t.Errorf("without a host: %v", err)
	}
	c.lay("maps", 1)
	c.lay("plugins", 2)
	c.serve(t, nil)
	if _, err := c.Blueprints().Create(t.Context(), left4me.ByUser("tester"), want); err != nil {
		t.Fatal(err)
	}
	got, err := c.Blueprints().Get(t.Context(), "versus")
	if err != nil || len(got.Overlays) != 2 || got.Overlays[0].Name != "plugins" || got.Settings.Mode != "versus" {
		t.Errorf("got %+v, error %v", got, err)
	}
	if all, err := c.Blueprints().List(t.Context()); err != nil || len(all) != 3 {
		t.Errorf("got %+v, error %v", all, err)
	}
	for _, bad := range []struct {
		v     left4me.Blueprint
		kind  left4me.Kind
		field string
	}{
		{left4me.Blueprint{Name: "A"}, left4me.Invalid, "name"},
		{left4me.Blueprint{Name: "versus"}, left4me.Conflict, "name"},
		{left4me.Blueprint{Name: "b", Overlays: left4me.Refs("maps", "nothing")}, left4me.Invalid, "overlays[1]"},
		{left4me.Blueprint{Name: "b", Overlays: left4me.Refs("maps", "maps")}, left4me.Invalid, "overlays[1]"},
		{
			left4me.Blueprint{Name: "b", Overlays: []left4me.OverlayRef{{Name: "maps"}, {Name: "plugins", Revision: 3}}},
			left4me.Invalid,
			"overlays[1]",
		},
		{left4me.Blueprint{Name: "b", Overlays: make([]left4me.OverlayRef, 481)}, left4me.Invalid, "overlays"},
		{left4me.Blueprint{Name: "b", Settings: left4me.Settings{Map: "a b"}}, left4me.Invalid, "settings.map"},
	} {
		_, err := c.Blueprints().Create(t.Context(), left4me.ByUser("tester"), bad.v)
		if e, ok := left4me.Public(err); !ok || e.Kind != bad.kind || e.Field != bad.field {
			t.Errorf("%v is not %s for %s", err, bad.kind, bad.field)
		}
	}
	if all, err := c.Blueprints().List(t.Context()); err != nil || len(all) != 3 {
		t.Errorf("an invalid blueprint was stored: %d, %v", len(all), err)
	}
}
