package hosts_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/hosts"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
)

// site is control with three hosts, none of which has the name left4me.LocalHost. Each host passes
// on the jobs it receives.
type site struct {
	*sitetest.Site
	hosts    *hosts.Hosts
	servers  *servers.Servers
	overlays *overlays.Overlays
	game     *game.Game
	backups  *backups.Backups
	sent     map[left4me.Name]chan bus.Delivery
	by       left4me.Actor
}

var three = []left4me.Name{"main", "near", "far"}

func open(t *testing.T) *site {
	t.Helper()
	on := sitetest.Open(t, t.TempDir())
	s := &site{Site: on, hosts: hosts.New(on.Bus, three[0], three[1:]...), sent: map[left4me.Name]chan bus.Delivery{}}
	s.by = left4me.ByUser("al")
	list := jobs.New(on.Store.Jobs(), on.Bus, on.Log)
	s.servers = servers.New(on.Store, list, s.hosts, on.Bus, servers.PortRange{Low: 33000, High: 33009}, on.Log)
	s.overlays = overlays.New(on.Store, list, s.servers, s.hosts.Content(), on.Bus, on.Log)
	s.game = game.New(on.Store, list, s.servers, s.hosts, on.Bus, on.Log)
	s.backups = backups.New(on.Store, list, on.Bus,
		backups.Host{Name: three[0], Files: localfs.New(on.Dir), Root: on.Dir}, on.Log)
	for _, host := range three {
		c := make(chan bus.Delivery, 10)
		s.sent[host] = c
		answer := func(verb string, v any) error {
			return on.Bus.Answer(on.Ctx, bus.Command(host, verb), func(context.Context, string, []byte) (any, error) { return v, nil })
		}
		if err := errors.Join(
			answer(bus.VerbPort, bus.Empty{V: bus.Version}),
			answer(bus.VerbStatus, []left4me.Status{}),
			answer(bus.VerbDoctor, []left4me.Check{{Name: string(host)}}),
			answer(bus.VerbContents, []left4me.Content{{Name: "of-" + host}}),
			answer(bus.VerbContent, left4me.Content{Name: "of-" + host}),
			answer(bus.VerbCampaigns, []left4me.Campaign{{Title: string(host)}}),
			answer(bus.VerbBackups, []left4me.Backup{{Name: "of-" + host}}),
			answer(bus.VerbGame, left4me.Game{Current: int64(slices.Index(three, host) + 1)}),
			on.Bus.Work(on.Ctx, host, func(d bus.Delivery) { c <- d }),
		); err != nil {
			t.Fatal(err)
		}
	}
	if err := lifecycletest.Start(on.Ctx, list, s.servers, s.game, s.backups); err != nil {
		t.Fatal(err)
	}
	return s
}

// sentTo waits until a job arrives at a host.
func (s *site) sentTo(t *testing.T, host left4me.Name, j left4me.Job, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if j.Host != host {
		t.Errorf("%s on %s: Host = %s, want %s", j.Kind, j.Target, j.Host, host)
		return
	}
	select {
	case d := <-s.sent[host]:
		if d.ID != j.ID {
			t.Errorf("host %s got %s on %s, want %s", host, d.Kind, d.Target, j.Kind)
		}
	case <-time.After(10 * time.Second):
		t.Errorf("%s was not sent to host %s", j.Kind, host)
	}
}

func TestServerJobsGoToTheirHost(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		name, host, want left4me.Name
		port             int
	}{{"alpha", "", "main", 0}, {"beta", "main", "main", 0}, {"gamma", "far", "far", 33000}} {
		v, err := s.servers.Create(t.Context(), s.by, left4me.Server{Name: c.name, Host: c.host, Port: c.port})
		if err != nil || v.Host != c.want {
			t.Fatalf("%s is on %q: %v", c.name, v.Host, err)
		}
		j, err := s.servers.Act(t.Context(), s.by, left4me.StartServer, c.name)
		s.sentTo(t, c.want, j, err)
	}
	all, err := s.servers.Campaigns(t.Context(), "gamma")
	if err != nil || len(all) != 1 || all[0].Title != "far" {
		t.Errorf("got %+v, error %v", all, err)
	}
	_, err = s.servers.Create(t.Context(), s.by, left4me.Server{Name: "delta", Host: left4me.LocalHost})
	if e, ok := left4me.Public(err); !ok || e.Code != "host.not_here" || e.Field != "host" ||
		e.Hint != "use main, near, far, or leave the host out" {
		t.Errorf("got error %v", err)
	}
}

func TestOverlaysAreOnContentHost(t *testing.T) {
	s := open(t)
	names, err := s.overlays.Names(t.Context())
	if err != nil || !slices.Equal(names, []left4me.Name{"of-main"}) {
		t.Errorf("got %v, error %v", names, err)
	}
	if have, err := s.overlays.Revisions().Get(t.Context(), "maps", 0); err != nil || have.Name != "of-main" {
		t.Errorf("got %+v, error %v", have, err)
	}
	all, err := s.servers.CampaignsOf(t.Context(), nil)
	if err != nil || len(all) != 1 || all[0].Title != "main" {
		t.Errorf("got %+v, error %v", all, err)
	}
	j, err := s.overlays.Build(t.Context(), s.by, "of-main", overlays.Request{Change: &left4me.Change{Delete: []string{"x"}}})
	s.sentTo(t, "main", j, err)
	j, err = s.overlays.Collect(t.Context(), s.by)
	s.sentTo(t, "main", j, err)
}

func TestGameIsPerHost(t *testing.T) {
	s := open(t)
	for i, host := range three {
		v, err := s.game.Get(t.Context(), host)
		if err != nil || v.Current != int64(i+1) {
			t.Errorf("%s: %+v, %v", host, v, err)
		}
		j, err := s.game.Act(t.Context(), s.by, left4me.CheckGame, host, game.Request{})
		s.sentTo(t, host, j, err)
		checks, err := s.hosts.Doctor(t.Context(), host)
		if err != nil || len(checks) != 1 || checks[0].Name != string(host) {
			t.Errorf("%s: %+v, %v", host, checks, err)
		}
	}
	_, err := s.game.Get(t.Context(), left4me.LocalHost)
	_, also := s.hosts.Doctor(t.Context(), left4me.LocalHost)
	if !errors.Is(err, left4me.NotFound) || !errors.Is(also, left4me.NotFound) {
		t.Errorf("got error %v, %v", err, also)
	}
}

func TestBackupsAreOnDatabaseHost(t *testing.T) {
	s := open(t)
	all, err := s.backups.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "of-main" {
		t.Errorf("got %+v, error %v", all, err)
	}
	j, err := s.backups.Create(t.Context(), s.by)
	s.sentTo(t, "main", j, err)
	// The copy of the database is a local file, so only the host on that machine may request one.
	err = s.Bus.Request(t.Context(), bus.Ask("main", bus.VerbSnapshot), bus.SnapshotRequest{V: bus.Version, ID: "none"}, nil)
	if !errors.Is(err, left4me.NotFound) {
		t.Errorf("got error %v", err)
	}
	err = s.Bus.Request(t.Context(), bus.Ask("far", bus.VerbSnapshot), bus.SnapshotRequest{V: bus.Version, ID: j.ID}, nil)
	if !errors.Is(err, left4me.Unavailable) {
		t.Errorf("got error %v", err)
	}
}
