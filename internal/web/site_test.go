package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/downloads"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/sitetest"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/host/localfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/lifecycle/lifecycletest"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/internal/web"
)

const (
	patience = time.Minute
	password = sitetest.Password
)

// site is the panel with a real store and a real bus. Its host answers requests but runs nothing.
type site struct {
	url      string
	handler  http.Handler
	store    *store.Store
	bus      *bus.Bus
	servers  *servers.Servers
	jobs     *jobs.Jobs
	bulk     *bulk.Bulk
	game     *game.Game
	accounts *accounts.Accounts
	content  *overlays.Overlays
	root     string
	uploads  *uploads.Uploads
	backups  *backups.Backups
	full     atomic.Pointer[left4me.Error]
	host     *host
	on       *sitetest.Site
}

func newSite(tb testing.TB, secure bool) *site {
	tb.Helper()
	return newSiteWith(tb, secure, web.New)
}

// newSiteWith is like newSite, with the constructor of the panel.
func newSiteWith(tb testing.TB, secure bool, newPanel func(web.Deps) http.Handler) *site {
	tb.Helper()
	on := sitetest.Open(tb, tb.TempDir())
	c := on.Control(servers.PortRange{Low: 27015, High: 27999})
	s := &site{
		store: on.Store, bus: on.Bus, servers: c.Servers, jobs: c.Jobs, bulk: c.Bulk,
		game: c.Game, accounts: c.Accounts, content: c.Overlays,
		root: on.Dir, on: on, uploads: c.Uploads, backups: c.Backups,
		host: &host{bus: on.Bus, consoles: map[left4me.Name]string{}, work: make(chan bus.Delivery, 64), backups: someBackups},
	}
	if err := errors.Join(lifecycletest.Start(on.Ctx, c.Jobs, c.Servers, c.Game), s.host.start(on.Ctx)); err != nil {
		tb.Fatal(err)
	}
	on.AddUser(tb, "admin", true)
	on.AddUser(tb, "guest", false)
	s.handler = newPanel(web.Deps{
		Servers: c.Servers, Bulk: c.Bulk, Jobs: c.Jobs, Overlays: c.Overlays, Uploads: c.Uploads,
		Downloads: downloads.New(c.Overlays.Revisions(), localfs.New(on.Dir)), Game: c.Game, Accounts: c.Accounts, Hosts: c.Hosts,
		Backups: c.Backups, Full: s.full.Load, Secure: secure, Version: "1.2.3",
		Log: on.Log,
	})
	server := httptest.NewServer(s.handler)
	s.url = server.URL
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
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

// addServer creates a server and waits until its state is known. Otherwise, the answer of the host to the
// first request for states could arrive after a newer state that the test reports.
func (s *site) addServer(tb testing.TB, name left4me.Name) {
	tb.Helper()
	must(s.servers.Create(tb.Context(), left4me.ByUser("tester"), left4me.Server{Name: name}))(tb)
	await(tb, "the state of the server", func() bool {
		v, err := s.servers.Get(tb.Context(), name)
		return err == nil && v.Status.State != left4me.Unknown
	})
	s.tell(tb, left4me.Status{Name: name, State: left4me.Stopped})
}

// tell reports the state of a server, as its host does, and waits until the panel shows it.
func (s *site) tell(tb testing.TB, st left4me.Status) {
	tb.Helper()
	s.host.say(tb, st)
	await(tb, "the state of "+string(st.Name), func() bool {
		v, err := s.servers.Get(tb.Context(), st.Name)
		return err == nil && v.Status.State == st.State && v.Status.Players == st.Players && v.Status.Map == st.Map
	})
}

func await(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("timed out waiting for %s", what)
		}
	}
}

// host answers as an agent would, without running anything.
type host struct {
	bus  *bus.Bus
	work chan bus.Delivery

	mu       sync.Mutex
	statuses []left4me.Status
	consoles map[left4me.Name]string
	commands []string
	game     left4me.Game
	answer   string
	refuses  error // answer to console commands, unless nil
	backups  []left4me.Backup
	config   []bus.ConfigFile
	dropped  atomic.Bool
	checks   []left4me.Check
	overlays overlayHost
}

func (h *host) start(ctx context.Context) error {
	on := func(verb string, f func(context.Context, []byte) (any, error)) error {
		return h.bus.Answer(ctx, bus.Command(left4me.LocalHost, verb),
			func(ctx context.Context, _ string, data []byte) (any, error) { return f(ctx, data) })
	}
	nothing := func(context.Context, []byte) (any, error) { return bus.Empty{V: bus.Version}, nil }
	return errors.Join(
		on(bus.VerbPort, nothing), on(bus.VerbCancel, nothing),
		on(bus.VerbBackups, func(context.Context, []byte) (any, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.backups, nil
		}),
		on(bus.VerbDropBackup, func(context.Context, []byte) (any, error) {
			h.dropped.Store(true)
			return bus.Empty{V: bus.Version}, nil
		}),
		h.overlays.start(ctx, h.bus),
		on(bus.VerbStatus, func(context.Context, []byte) (any, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return slices.Clone(h.statuses), nil
		}),
		on(bus.VerbGame, func(context.Context, []byte) (any, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.game, nil
		}),
		on(bus.VerbPin, func(_ context.Context, data []byte) (any, error) {
			var r bus.PinRequest
			err := bus.Decode(data, &r)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.game.Pinned = r.Pinned
			return h.game, err
		}),
		on(bus.VerbDoctor, h.found), on(bus.VerbReach, h.found),
		on(bus.VerbConsole, h.console), on(bus.VerbCommand, h.command),
		h.bus.Work(ctx, left4me.LocalHost, func(d bus.Delivery) { h.work <- d }),
		h.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindHello), bus.Hello{V: bus.Version}),
	)
}

// setChecks sets the results of the host's checks.
func (h *host) setChecks(checks []left4me.Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = checks
}

func (h *host) found(context.Context, []byte) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.checks, nil
}

func (h *host) say(tb testing.TB, st left4me.Status) {
	tb.Helper()
	h.mu.Lock()
	h.statuses = append(slices.DeleteFunc(h.statuses, func(o left4me.Status) bool { return o.Name == st.Name }), st)
	h.mu.Unlock()
	if err := h.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindStatus), st); err != nil {
		tb.Fatal(err)
	}
}

func (h *host) print(name left4me.Name, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.consoles[name] += text
}

func (h *host) console(ctx context.Context, data []byte) (any, error) {
	var r bus.ConsoleRequest
	if err := bus.Decode(data, &r); err != nil {
		return nil, err
	}
	for end := time.Now().Add(min(r.Wait, time.Second)); ; time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		all := h.consoles[r.Server]
		h.mu.Unlock()
		after := max(r.After, 0)
		if text := all[min(after, int64(len(all))):]; text != "" || time.Now().After(end) || ctx.Err() != nil {
			return bus.ConsoleChunk{V: bus.Version, After: after, Position: int64(len(all)), Text: text}, nil
		}
	}
}

func (h *host) command(_ context.Context, data []byte) (any, error) {
	var r bus.CommandRequest
	if err := bus.Decode(data, &r); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commands = append(h.commands, r.Command)
	if h.refuses != nil {
		return nil, h.refuses
	}
	return bus.CommandAnswer{V: bus.Version, Output: h.answer}, nil
}

// next claims and returns the next job of the host.
func (h *host) next(tb testing.TB) bus.Delivery {
	tb.Helper()
	select {
	case d := <-h.work:
		var a bus.ClaimAnswer
		if err := h.bus.Request(tb.Context(), bus.Ask(left4me.LocalHost, bus.VerbClaim), bus.ClaimRequest{V: bus.Version, ID: d.ID},
			&a); err != nil || a.Verdict != bus.Go {
			tb.Fatalf("claim: %+v, %v", a, err)
		}
		return d
	case <-time.After(patience):
		tb.Fatal("the host received no job")
		panic("unreachable")
	}
}

func (h *host) report(tb testing.TB, d bus.Delivery, state left4me.JobState, failed *left4me.Error, steps ...left4me.Step) {
	tb.Helper()
	r := bus.JobReport{V: bus.Version, ID: d.ID, State: state, Steps: steps, Error: failed}
	if state == left4me.JobRunning {
		if err := h.bus.Publish(bus.Broadcast(left4me.LocalHost, bus.KindJob), r); err != nil {
			tb.Fatal(err)
		}
		return
	}
	if err := errors.Join(h.bus.Request(tb.Context(), bus.Ask(left4me.LocalHost, bus.VerbReport), r, nil), d.Done()); err != nil {
		tb.Fatal(err)
	}
}

// browser is an HTTP client with cookies, which follows no redirects.
type browser struct {
	tb   testing.TB
	site *site
	http *http.Client
}

func (s *site) browser(tb testing.TB) *browser {
	jar := must(cookiejar.New(nil))(tb)
	return &browser{tb: tb, site: s, http: &http.Client{
		Jar: jar, Timeout: 0, Transport: &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// as returns a browser with a session of the user.
func (s *site) as(tb testing.TB, name string) *browser {
	tb.Helper()
	b := s.browser(tb)
	if p := b.post("/login", "name", name, "password", password); p.status != http.StatusSeeOther {
		tb.Fatalf("login: %d %s", p.status, p.body)
	}
	return b
}

// page is the answer to a request.
type page struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path, body string, header ...string) page {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req := must(http.NewRequestWithContext(ctx, method, b.site.url+path, strings.NewReader(body)))(b.tb)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res := must(b.http.Do(req))(b.tb)
	defer res.Body.Close()
	text := must(io.ReadAll(res.Body))(b.tb)
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		b.noPlaces(path, string(text))
	}
	return page{res.StatusCode, res.Header, string(text)}
}

var (
	scriptElement = regexp.MustCompile(`(?s)<script.*?</script>`)
	unfilled      = regexp.MustCompile(`[^$a-z]\{[a-z_]+(:[a-z0-9.]+)?\}`)
)

// noPlaces checks that a page shows no text whose arguments could not be filled in. The names of
// arguments agree with the catalogue, but only a shown page tells whether their types do.
func (b *browser) noPlaces(path, html string) {
	b.tb.Helper()
	if raw := unfilled.FindString(scriptElement.ReplaceAllString(html, "")); raw != "" {
		b.tb.Errorf("%s shows a text with the place %s", path, raw[1:])
	}
}

func (b *browser) get(path string, header ...string) page {
	b.tb.Helper()
	return b.do(http.MethodGet, path, "", header...)
}

// post submits a form of alternating fields and values, as a page of the panel does.
func (b *browser) post(path string, pairs ...string) page {
	b.tb.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
}

// has checks the status of a page and that its body contains the texts.
func (p page) has(tb testing.TB, status int, texts ...string) {
	tb.Helper()
	if p.status != status {
		tb.Errorf("got status %d, want %d\n%s", p.status, status, p.body)
	}
	for _, t := range texts {
		if !strings.Contains(p.body, t) {
			tb.Errorf("the page lacks %q\n%s", t, p.body)
		}
	}
}

func (p page) hasNot(tb testing.TB, texts ...string) {
	tb.Helper()
	for _, t := range texts {
		if strings.Contains(p.body, t) {
			tb.Errorf("the page contains %q\n%s", t, p.body)
		}
	}
}

// sentEvent is one event of a stream.
type sentEvent struct{ name, id, data string }

// stream opens a stream of events. The channel is closed at the end of the stream.
func (b *browser) stream(path string, header ...string) <-chan sentEvent {
	b.tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.tb.Cleanup(cancel)
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, b.site.url+path, nil))(b.tb)
	req.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res := must(b.http.Do(req))(b.tb)
	b.tb.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		b.tb.Fatalf("stream %s: %s %s", path, res.Status, res.Header.Get("Content-Type"))
	}
	events := make(chan sentEvent, 1024)
	go func() {
		defer close(events)
		var e sentEvent
		in := bufio.NewScanner(res.Body)
		in.Buffer(nil, 4<<20)
		for in.Scan() {
			field, value, _ := strings.Cut(in.Text(), ": ")
			switch field {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				e.data += value + "\n"
			case "":
				events <- e
				e = sentEvent{}
			}
		}
	}()
	return events
}

// wait reads events until one satisfies is, and returns it.
func wait(tb testing.TB, events <-chan sentEvent, what string, is func(sentEvent) bool) sentEvent {
	tb.Helper()
	end := time.After(patience)
	var seen []string
	for {
		select {
		case e, ok := <-events:
			if !ok {
				tb.Fatalf("the stream ended before %s; events so far: %q", what, seen)
			}
			if is(e) {
				return e
			}
			seen = append(seen, fmt.Sprintf("%s %s", e.name, e.data))
		case <-end:
			tb.Fatalf("timed out waiting for %s; events so far: %q", what, seen)
		}
	}
}
