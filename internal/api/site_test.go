package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api"
	"github.com/left4me/left4me/internal/api/apitest"
	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/downloads"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
	"github.com/left4me/left4me/internal/store"
)

const patience = time.Minute

// described is the description of the API. Every answer and every event of these tests is checked
// against it.
var described = sync.OnceValues(apitest.Open)

// site is the API with a real store and a real bus, and with a simulated host.
type site struct {
	url      string
	handler  http.Handler
	store    *store.Store
	bus      *bus.Bus
	accounts *accounts.Accounts
	host     *fakeHost
	admin    string // token of an administrator
	guest    string // token of a user with read access
	root     string
	on       *sitetest.Site
	narrowed sync.Map // *accounts.Targets that a user may see, by user name
}

// narrow restricts a user to some targets from now on, like grants of permissions.
func (s *site) narrow(name string, to ...left4me.Target) {
	s.narrowed.Store(name, (*accounts.Targets)(&to))
}

func (s *site) actor(a accounts.Actor) accounts.Actor {
	if only, ok := s.narrowed.Load(a.Name); ok {
		a.Only = only.(*accounts.Targets)
	}
	return a
}

func newSite(tb testing.TB) *site {
	tb.Helper()
	return newSiteBeating(tb, 100*time.Millisecond)
}

// newSiteBeating is newSite with another heartbeat interval of streams.
func newSiteBeating(tb testing.TB, beat time.Duration) *site {
	tb.Helper()
	on := sitetest.Open(tb, tb.TempDir())
	c := on.Control(servers.PortRange{Low: 27015, High: 27030})
	s := &site{store: on.Store, bus: on.Bus, accounts: c.Accounts, host: &fakeHost{bus: on.Bus, work: true}, root: on.Dir, on: on}
	if err := lifecycletest.Start(on.Ctx, c.Jobs, c.Servers, c.Game); err != nil {
		tb.Fatal(err)
	}
	s.host.start(on.Ctx, tb)
	s.admin, s.guest = s.token(tb, "admin", true), s.token(tb, "guest", false)
	s.handler = api.NewBeating(api.Deps{
		Servers: c.Servers, Bulk: c.Bulk, Jobs: c.Jobs, Overlays: c.Overlays, Uploads: c.Uploads,
		Downloads: downloads.New(c.Overlays.Revisions(), localfs.New(on.Dir)), Game: c.Game, Accounts: c.Accounts, Hosts: c.Hosts,
		Backups: c.Backups, Version: "1.2.3", Log: on.Log,
		Ready: func(context.Context) error { return s.host.ready() },
	}, beat, s.actor)
	web := httptest.NewServer(s.handler)
	s.url = web.URL
	tb.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	return s
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// token creates a user with a token. The user's password is never used, so it is not hashed.
func (s *site) token(tb testing.TB, name string, admin bool) string {
	tb.Helper()
	u := must(s.store.Users().Create(tb.Context(), store.User{Name: name, Password: "x", Admin: admin, CreatedAt: time.Now()}))(tb)
	return must(s.accounts.CreateToken(tb.Context(), accounts.Actor{UserID: u.ID, Name: u.Name, Admin: admin}, "test", time.Time{}))(tb)
}

// answer is a response to a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if a.status >= http.StatusMultipleChoices { // otherwise v would keep its old content
		t.Fatalf("%d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// problem checks that the answer is a problem document with a status for the given fields.
func (a answer) problem(t *testing.T, status int, locations ...string) apitype.Problem {
	t.Helper()
	var p apitype.Problem
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s, want a problem of %d: %s", a.status, a.header.Get("Content-Type"), status, a.body)
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Location)
	}
	if p.Status != status || p.Title != http.StatusText(status) || p.Type != "about:blank" || p.Detail == "" {
		t.Errorf("not a whole problem: %s", a.body)
	}
	if len(locations) > 0 && fmt.Sprint(got) != fmt.Sprint(locations) {
		t.Errorf("invalid fields: got %v, want %v: %s", got, locations, a.body)
	}
	return p
}

// call sends a request as admin. A body that is a string is sent unchanged, all others as JSON.
func (s *site) call(t *testing.T, method, path string, body any) answer {
	t.Helper()
	header := withToken(s.admin)
	switch v := body.(type) {
	case nil:
		return s.send(t, method, path, header, nil)
	case string:
		header.Set("Content-Type", "application/json")
		return s.send(t, method, path, header, strings.NewReader(v))
	}
	header.Set("Content-Type", "application/json")
	return s.send(t, method, path, header, bytes.NewReader(must(json.Marshal(body))(t)))
}

func (s *site) send(t *testing.T, method, path string, header http.Header, body io.Reader) answer {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), method, s.url+path, body))(t)
	r.Header = header
	resp := must(http.DefaultClient.Do(r))(t)
	defer resp.Body.Close()
	a := answer{resp.StatusCode, resp.Header, must(io.ReadAll(resp.Body))(t)}
	if err := must(described())(t).Answer(method, path, a.status, a.header, a.body); err != nil {
		t.Error(err)
	}
	return a
}

// create creates a server.
func (s *site) create(t *testing.T, name string) apitype.GameServer {
	t.Helper()
	a := s.call(t, "POST", "/api/v1/servers", map[string]any{"name": name})
	if a.status != http.StatusCreated {
		t.Fatalf("create %s: %d %s", name, a.status, a.body)
	}
	var v apitype.GameServer
	a.into(t, &v)
	return v
}

// eventually waits until f returns true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timeout after %s: %s", patience, what)
		}
	}
}

// sse is one event of a stream.
type sse struct{ id, name, data string }

// stream opens a stream. next returns the next event, or false at the end of the stream.
func (s *site) stream(t *testing.T, path string, header http.Header) (next func() (sse, bool)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r := must(http.NewRequestWithContext(ctx, "GET", s.url+path, nil))(t)
	if header != nil {
		r.Header = header.Clone()
	}
	if r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+s.admin)
	}
	resp := must(http.DefaultClient.Do(r))(t)
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %d %s: %s", path, resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	lines := bufio.NewScanner(resp.Body)
	return func() (e sse, ok bool) {
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "": // the end of an event, or a comment
				if e.name != "" {
					if err := must(described())(t).Event(path, e.name, []byte(e.data)); err != nil {
						t.Error(err)
					}
					return e, true
				}
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return e, false
	}
}

// fakeHost answers requests like a host's agent, without any game.
type fakeHost struct {
	bus *bus.Bus

	mu       sync.Mutex
	work     bool             // run jobs; otherwise they stay queued
	taken    map[int]bool     // ports used by other programs
	statuses []left4me.Status // states of its servers
	console  string           // console output of every server
	game     left4me.Game
	checks   []left4me.Check // failed checks
	notReady error
	plan     func(bus.PlanRequest) left4me.Plan
	inside   map[string]string // files in add-ons, by "FILE PATH"
	maps     []left4me.Campaign
	mounts   []left4me.Name // running servers that use the overlay maps
	answers  map[string]any // answers by verb that replace the default ones; an error is returned as such
	report   bus.JobReport  // additions to the final report of a job
}

func (h *fakeHost) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func (h *fakeHost) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.notReady
}

func (h *fakeHost) start(ctx context.Context, tb testing.TB) {
	tb.Helper()
	err := h.bus.Answer(ctx, bus.Command(left4me.LocalHost, "*"), func(ctx context.Context, subject string, data []byte) (any, error) {
		h.mu.Lock()
		said, ok := h.answers[bus.VerbOf(subject)]
		h.mu.Unlock()
		if err, failed := said.(error); failed {
			return nil, err
		}
		if ok {
			return said, nil
		}
		switch bus.VerbOf(subject) {
		case bus.VerbStatus:
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.statuses, nil
		case bus.VerbBackups:
			return []left4me.Backup{{Name: "b", Bytes: 7, State: left4me.BackupVerified}}, nil
		case bus.VerbDropBackup:
			return bus.Empty{V: bus.Version}, nil
		case bus.VerbDoctor, bus.VerbReach:
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.checks, nil
		case bus.VerbCampaigns:
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.maps, nil
		case bus.VerbClashes:
			return []left4me.Warning{{Kind: left4me.WarnSameFile, Path: "left4dead2/addons/a.vpk", Text: "b.vpk has it too"}}, nil
		case bus.VerbStackFile, bus.VerbFile:
			return h.file(data)
		case bus.VerbPlan:
			var r bus.PlanRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.plan(r), nil
		case bus.VerbContents:
			h.mu.Lock()
			defer h.mu.Unlock()
			return []left4me.Content{
				{Name: "maps", Current: 1, Revisions: []left4me.Revision{{Number: 1, Servers: h.mounts}}},
				{Name: "plugins", Current: 2, Revisions: []left4me.Revision{{Number: 2}, {Number: 1}}},
			}, nil
		case bus.VerbPort:
			return bus.Empty{V: bus.Version}, h.port(data)
		case bus.VerbGame:
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.game, nil
		case bus.VerbPin:
			var r bus.PinRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.game.Pinned = r.Pinned
			return h.game, nil
		case bus.VerbConsole:
			return h.print(ctx, data)
		case bus.VerbCommand:
			var r bus.CommandRequest
			if err := bus.Decode(data, &r); err != nil {
				return nil, err
			}
			return bus.CommandAnswer{V: bus.Version, Output: "ran " + r.Command}, nil
		}
		return bus.Empty{V: bus.Version}, nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := h.bus.Work(ctx, left4me.LocalHost, func(d bus.Delivery) { go h.job(ctx, d) }); err != nil {
		tb.Fatal(err)
	}
	if err := h.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}); err != nil {
		tb.Fatal(err)
	}
}

// file answers with a file inside an add-on.
func (h *fakeHost) file(data []byte) (any, error) {
	var r struct{ Path, Inside string }
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	text, ok := h.inside[r.Path+" "+r.Inside]
	if !ok {
		return nil, &left4me.Error{Kind: left4me.NotFound, Text: "there is none"}
	}
	return bus.FileAnswer{V: bus.Version, Size: int64(len(text)), Data: []byte(text)}, nil
}

func (h *fakeHost) port(data []byte) error {
	var r bus.PortRequest
	if err := bus.Decode(data, &r); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken[r.Port] {
		return &left4me.Error{Kind: left4me.Conflict, Text: "another program has it"}
	}
	return nil
}

// print returns the console output after a position: whole lines, as many as fit into ten bytes but
// at least one.
func (h *fakeHost) print(ctx context.Context, data []byte) (any, error) {
	var r bus.ConsoleRequest
	if err := bus.Decode(data, &r); err != nil {
		return nil, err
	}
	after := max(r.After, 0)
	h.mu.Lock()
	text := h.console[min(int(after), len(h.console)):]
	h.mu.Unlock()
	if end := strings.LastIndexByte(text[:min(len(text), 10)], '\n'); end >= 0 {
		text = text[:end+1]
	} else if end := strings.IndexByte(text, '\n'); end >= 0 {
		text = text[:end+1]
	}
	if text == "" {
		select { // like a host that waits for output
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return bus.ConsoleChunk{V: bus.Version, After: after, Position: after + int64(len(text)), Text: text}, nil
}

// job completes a job without doing any work.
func (h *fakeHost) job(ctx context.Context, d bus.Delivery) {
	h.mu.Lock()
	work := h.work
	h.mu.Unlock()
	if !work {
		return
	}
	var claim bus.ClaimAnswer
	if err := h.bus.Request(ctx, bus.Ask(left4me.LocalHost, bus.VerbClaim), bus.ClaimRequest{V: bus.Version, ID: d.ID},
		&claim); err != nil || claim.Verdict != bus.Go {
		_ = d.Done()
		return
	}
	steps := []left4me.Step{{Label: left4me.StepStop, State: left4me.StepRunning}, {Label: left4me.StepUnmount, State: left4me.StepPending}}
	_ = h.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindJob),
		bus.JobReport{V: bus.Version, ID: d.ID, State: left4me.JobRunning, Steps: steps})
	for i := range steps {
		steps[i].State = left4me.StepDone
	}
	h.mu.Lock()
	end := h.report
	h.mu.Unlock()
	end.V, end.ID, end.Steps = bus.Version, d.ID, append(steps, end.Steps...)
	if end.State == "" {
		end.State = left4me.JobDone
	}
	_ = h.bus.Request(ctx, bus.Ask(left4me.LocalHost, bus.VerbReport), end, nil)
	_ = d.Done()
}

// says makes the host report the state of a server.
func (h *fakeHost) says(tb testing.TB, st left4me.Status) {
	tb.Helper()
	h.set(func() { h.statuses = append(h.statuses, st) })
	if err := h.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), st); err != nil {
		tb.Fatal(err)
	}
}
