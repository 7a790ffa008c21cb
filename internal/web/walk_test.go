package web_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web"
)

// walked maps the pattern of each page to a path for the objects that newWalk creates.
var walked = map[string]string{
	"/bulk": "/bulk?do=stop&all=1", "/bulk/{id}": "/bulk/ACT",
	"/servers": "/servers", "/servers/new": "/servers/new", "/servers/{name}": "/servers/alpha",
	"/servers/{name}/console":  "/servers/alpha/console",
	"/servers/{name}/settings": "/servers/alpha/settings", "/servers/{name}/history": "/servers/alpha/history",
	"/servers/{name}/files": "/servers/alpha/files",
	"/servers/{name}/file":  "/servers/alpha/file?path=left4dead2/a.cfg", "/servers/{name}/written": "/servers/alpha/written",
	"/servers/{name}/pending": "/servers/alpha/pending",
	"/servers/{name}/compare": "/servers/alpha/compare", "/servers/{name}/conflicts": "/servers/alpha/conflicts",
	"/servers/{name}/map":   "/servers/alpha/map",
	"/servers/{name}/reach": "/servers/alpha/reach", "/servers/{name}/reset": "/servers/alpha/reset",
	"/servers/{name}/rename": "/servers/alpha/rename",
	"/servers/{name}/delete": "/servers/alpha/delete",
	"/deleted-servers":       "/deleted-servers", "/deleted-servers/{id}/remove": "/deleted-servers/" + string(goneID) + "/remove",
	"/overlays": "/overlays", "/overlays/new": "/overlays/new?kind=files", "/overlays/{name}": "/overlays/plugins",
	"/overlays/{name}/settings": "/overlays/plugins/settings",
	"/overlays/{name}/rename":   "/overlays/plugins/rename",
	"/overlays/{name}/delete":   "/overlays/plugins/delete", "/overlays/{name}/revisions": "/overlays/maps/revisions",
	"/overlays/{name}/revisions/{revision}/drop": "/overlays/maps/revisions/1/drop",
	"/overlays/{name}/diff":                      "/overlays/maps/diff?from=1&to=2",
	"/overlays/{name}/problems":                  "/overlays/plugins/problems",
	"/overlays/{name}/campaigns":                 "/overlays/plugins/campaigns", "/overlays/{name}/file": "/overlays/maps/file?path=a.cfg",
	"/overlays/{name}/remove": "/overlays/plugins/remove?path=a.cfg", "/overlays/{name}/edit": "/overlays/plugins/edit",
	"/overlays/{name}/items":      "/overlays/maps/items",
	"/overlays/{name}/items/look": "/overlays/maps/items/look?ids=1", "/overlays/{name}/script": "/overlays/made/script",
	"/overlays/{name}/upload":       "/overlays/plugins/upload",
	"/overlays/{name}/uploads/{id}": "/overlays/plugins/uploads/UPLOAD", "/uploads": "/uploads",
	"/blueprints": "/blueprints", "/blueprints/new": "/blueprints/new", "/blueprints/{name}": "/blueprints/versus",
	"/blueprints/{name}/rename":  "/blueprints/versus/rename",
	"/blueprints/{name}/delete":  "/blueprints/versus/delete",
	"/blueprints/{name}/servers": "/blueprints/versus/servers",
	"/jobs":                      "/jobs", "/jobs/{id}": "/jobs/JOB", "/game": "/game",
	"/game/update": "/game/update?restart=now", "/game/rollback": "/game/rollback?build=9001",
	"/backups": "/backups", "/backups/{name}": "/backups/b", "/backups/{name}/replace": "/backups/b/replace?kind=server&name=alpha",
	"/backups/{name}/delete": "/backups/b/delete", "/doctor": "/doctor",
	"/address": "/address",
	"/account": "/account", "/help": "/help", "/help/glossary": "/help/glossary",
	"/users": "/users", "/users/{name}": "/users/guest", "/users/{name}/delete": "/users/guest/delete",
}

// goneID is the id of an earlier server alpha, which was deleted.
const goneID left4me.ID = "0000000000000000deleted0"

// walk is a site with objects of each kind, and with all pages open.
type walk struct {
	*site
	t      *testing.T
	admin  accounts.Actor
	job    left4me.Job
	task   bus.Delivery // delivery of job
	act    string       // id of a bulk act that waits
	upload string
	pages  map[string]<-chan sentEvent // event streams by pattern
	seen   map[string][]sentEvent      // events since the last call of next
	since  time.Time
}

// path returns the path of the page with the pattern.
func (w *walk) path(pattern string) string {
	return strings.NewReplacer("UPLOAD", w.upload, "ACT", w.act, "JOB", string(w.job.ID)).Replace(walked[pattern])
}

func newWalk(t *testing.T) *walk { return newWalkOf(t, newSite(t, false)) }

// newWalkOf adds objects of each kind to the site.
func newWalkOf(t *testing.T, s *site) *walk {
	t.Helper()
	ctx := t.Context()
	who := must(s.store.Users().Get(ctx, "admin"))(t)
	w := &walk{
		site:  s,
		t:     t,
		admin: accounts.Actor{UserID: who.ID, Name: "admin", Admin: true},
		pages: map[string]<-chan sentEvent{},
		seen:  map[string][]sentEvent{},
	}
	newest := installed
	newest.Latest, newest.Outdated = newest.Current, false
	s.has(t, newest)
	s.withConfig(t, bus.ConfigFile{Path: "left4dead2/cfg/server.cfg", Running: "a\n", Next: "a\n"})
	s.answersFiles(t)
	s.host.setChecks([]left4me.Check{{Name: "port", State: left4me.CheckOK, Text: "open"}})
	s.addServer(t, "alpha")
	s.addServer(t, "beta")
	opens := func(ctx context.Context, _ string, _ []byte) (any, error) {
		file := filepath.Join(s.on.Dir, "tmp", "backup-read-"+rand.Text()+".db")
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		return bus.OpenBackupAnswer{V: bus.Version, Path: file}, errors.Join(err, s.store.Snapshot(ctx, file, time.Now()))
	}
	if err := s.bus.Answer(ctx, bus.Command(left4me.LocalHost, bus.VerbOpenBackup), opens); err != nil {
		t.Fatal(err)
	}
	gone := left4me.DeletedServer{DeletedAt: time.Now(), GoneAt: time.Now().Add(time.Hour)}
	gone.Server = left4me.Server{ID: goneID, Name: "alpha", Host: left4me.LocalHost, Port: 40123, Blueprint: left4me.DefaultBlueprint}
	if err := s.store.DeletedServers().Add(ctx, gone); err != nil {
		t.Fatal(err)
	}
	must(s.content.Blueprints().Create(ctx, left4me.ByUser("tester"), left4me.Blueprint{Name: "versus"}))(t)
	for _, o := range []left4me.Overlay{
		{
			Name:     "maps",
			Kind:     left4me.WorkshopOverlay,
			Workshop: &left4me.Workshop{Names: "id", Entries: []left4me.WorkshopEntry{{ID: "77"}}},
		},
		{Name: "plugins", Kind: left4me.FilesOverlay},
		{Name: "made", Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: "true\n"}},
	} {
		must(s.content.Create(ctx, left4me.ByUser("admin"), o))(t)
	}
	s.host.overlays.has(someMaps("maps"))
	s.host.overlays.files = map[string]string{"maps/a.cfg": "one"}
	u := must(s.uploads.Create(ctx, w.admin, "plugins"))(t)
	must(s.uploads.Write(ctx, w.admin, u.ID, "a.cfg", 0, 3, strings.NewReader("one")))(t)
	w.upload = u.ID
	w.job = must(s.servers.Act(ctx, left4me.ByUser("admin"), left4me.StartServer, "alpha"))(t)
	w.task = s.host.next(t)
	w.act = must(s.bulk.Start(ctx, w.admin, bulk.Request{
		Kind: left4me.StopServer, Mode: bulk.Empty, Servers: []left4me.Name{"alpha"},
	}))(t).ID
	return w
}

// answersFiles lets the host answer requests for the files of a server. Each answer contains the state
// of the server, so that it changes with it.
func (s *site) answersFiles(t *testing.T) {
	t.Helper()
	state := func() string {
		s.host.mu.Lock()
		defer s.host.mu.Unlock()
		for _, st := range s.host.statuses {
			if st.Name == "alpha" {
				return string(st.State)
			}
		}
		return ""
	}
	page := func(context.Context, string, []byte) (any, error) {
		return left4me.Page[left4me.TreeFile]{Total: 1, Items: []left4me.TreeFile{{Path: state() + ".txt", Size: 1}}}, nil
	}
	diff := func(context.Context, string, []byte) (any, error) {
		return left4me.Page[left4me.FileChange]{Total: 1, Items: []left4me.FileChange{{Path: state() + ".txt", What: "added"}}}, nil
	}
	for verb, f := range map[string]func(context.Context, string, []byte) (any, error){
		bus.VerbStack: page, bus.VerbUpper: page, bus.VerbStackDiff: diff,
		bus.VerbStackFile: func(context.Context, string, []byte) (any, error) {
			return bus.FileAnswer{V: bus.Version, Size: int64(len(state())), Data: []byte(state())}, nil
		},
		bus.VerbClashes: func(context.Context, string, []byte) (any, error) {
			return []left4me.Warning{{Kind: left4me.WarnScript, Text: "clash while " + state()}}, nil
		},
	} {
		if err := s.bus.Answer(t.Context(), bus.Command(left4me.LocalHost, verb), f); err != nil {
			t.Fatal(err)
		}
	}
}

var rootID = regexp.MustCompile(`^\s*<\w+[^>]* id="([^"]+)"`)

// open opens all pages and their streams. The first events of a stream repeat parts of its page, so each
// must match an element of the page.
func (w *walk) open() {
	w.t.Helper()
	var b *browser
	bodies := map[string]string{}
	for i, pattern := range web.Pages() {
		if walked[pattern] == "" {
			w.t.Fatalf("walked has no path for the pattern %s", pattern)
		}
		if i%20 == 0 { // the number of streams of a session is limited
			b = w.as(w.t, "admin")
		}
		p := b.get(w.path(pattern))
		p.has(w.t, 200)
		bodies[pattern], w.pages[pattern] = p.body, b.stream(streamOf(w.t, p))
	}
	for pattern, body := range bodies {
		begins(w.t, pattern, body, w.pages[pattern])
	}
}

// begins checks the first events of a stream, up to the last part of the page.
func begins(t *testing.T, what, body string, events <-chan sentEvent) {
	t.Helper()
	wait(t, events, "the last part of "+what, func(e sentEvent) bool {
		if e.name == "html" {
			begin(t, what, body, e)
		}
		return strings.Contains(e.data, ` id="full"`)
	})
}

// begin checks that an event matches an element of the page.
func begin(t *testing.T, what, body string, e sentEvent) {
	t.Helper()
	id := rootID.FindStringSubmatch(e.data)
	if id != nil && strings.Contains(body, ` id="typed-`+id[1]+`"`) {
		return // the page shows the typed values instead
	}
	if id == nil || strings.Count(body, ` id="`+id[1]+`"`) != 1 {
		t.Errorf("%s: the page has no element for %s", what, e.data)
	} else if !strings.Contains(plain(body), plain(e.data)) {
		t.Errorf("%s: the stream begins with a version of %s that differs from the page:\n%s", what, id[1], e.data)
	}
}

// plain removes all white space from HTML.
func plain(html string) string { return strings.Join(strings.Fields(html), "") }

// next discards all events received so far. Tests call it before the next change.
func (w *walk) next() {
	for pattern, events := range w.pages {
		w.seen[pattern] = nil
		for more := true; more; {
			select {
			case _, more = <-events:
			default:
				more = false
			}
		}
	}
	w.since = time.Now()
}

// shows waits until each page of the patterns has received an event with the text since the last call of
// next.
func (w *walk) shows(what, text string, patterns ...string) {
	w.t.Helper()
	has := func(e sentEvent) bool { return strings.Contains(e.data, text) || e.name+" "+e.data == text+"\n" }
	for _, pattern := range patterns {
		if slices.ContainsFunc(w.seen[pattern], has) {
			continue
		}
		for end := time.After(patience); ; {
			select {
			case e, ok := <-w.pages[pattern]:
				w.seen[pattern] = append(w.seen[pattern], e)
				if ok && !has(e) {
					continue
				}
			case <-end:
				w.t.Errorf("%s: %s does not show %q", what, pattern, text)
			}
			break
		}
	}
	w.t.Logf("%s: %d pages within %s", what, len(patterns), time.Since(w.since).Round(time.Millisecond))
}

// of returns the patterns that begin with the prefix, except those in without.
func of(prefix string, without ...string) (all []string) {
	for _, p := range web.Pages() {
		if strings.HasPrefix(p, prefix) && !slices.Contains(without, p) {
			all = append(all, p)
		}
	}
	return all
}

// serverPatterns returns the patterns of the pages that show the state and the job of a server.
func serverPatterns() []string {
	return of("/servers/{name}", "/servers/{name}/rename", "/servers/{name}/reset", "/servers/{name}/delete")
}

// overlayPatterns returns the patterns of the pages that show the state and the job of the overlay.
func overlayPatterns(name string) (all []string) {
	for _, p := range of("/overlays/{name}", "/overlays/{name}/rename", "/overlays/{name}/edit", "/overlays/{name}/remove",
		"/overlays/{name}/delete",
		"/overlays/{name}/revisions/{revision}/drop") {
		if strings.HasPrefix(walked[p], "/overlays/"+name) {
			all = append(all, p)
		}
	}
	return all
}

// The test changes each fact while all pages are open, and every page that shows the fact must receive an
// event. The time until then is logged; TestPagesWaitForLessThanASecond limits it.
func TestEveryPageShowsChanges(t *testing.T) {
	w := newWalk(t)
	w.open()
	if t.Failed() {
		return
	}
	w.changeJob()
	w.changeServer()
	w.changeDefinitions()
	w.build()
	w.changeRevisions()
	w.changeAccounts()
	w.changeHost()
	w.deleteServer()
}

// changeJob runs the job of the server alpha and lets it fail.
func (w *walk) changeJob() {
	w.t.Helper()
	w.next()
	w.host.report(w.t, w.task, left4me.JobRunning, nil, left4me.Step{Label: "a step", State: left4me.StepRunning})
	w.shows("a step of a job", "a step", append(serverPatterns(), "/jobs", "/jobs/{id}", "/servers")...)
	w.next()
	w.host.report(w.t, w.task, left4me.JobFailed,
		&left4me.Error{Kind: left4me.Conflict, Field: "port", Text: "port 27015 is used by python3", Hint: "choose another port"})
	w.shows("the end of a job", "is used by python3", append(serverPatterns(), "/jobs", "/jobs/{id}", "/servers")...)
	w.shows("the link to the remedy", `href="/servers/alpha/settings#port"`, append(serverPatterns(), "/servers")...)
}

// changeServer changes the state and the definition of the server alpha.
func (w *walk) changeServer() {
	w.t.Helper()
	ctx := w.t.Context()
	w.next()
	w.host.say(w.t,
		left4me.Status{
			Name:       "alpha",
			State:      left4me.Running,
			Map:        "c2m1_highway",
			Players:    2,
			MaxPlayers: 8,
			Build:      9001,
			SpecHash:   "other",
		})
	w.shows("the state of a server", "Running", append(serverPatterns(), "/servers")...)
	w.shows("players", "2 players", "/servers/{name}/reset", "/servers/{name}/delete")
	w.shows("the map", "The 2 connected players", "/servers/{name}/map")
	w.shows("the running build", "1 running server", "/game")
	for pattern, text := range map[string]string{
		"files":     "running.txt",
		"written":   "running.txt",
		"pending":   "running.txt",
		"file":      ">running",
		"conflicts": "clash while running",
	} {
		w.shows("files", text, "/servers/{name}/"+pattern)
	}
	w.next()
	w.withConfigs(bus.ConfigFile{Path: "left4dead2/cfg/server.cfg", Running: "a\n", Next: "b\n"})
	alpha := must(w.servers.Get(ctx, "alpha"))(w.t).Server
	alpha.Settings.Hostname = "Another name"
	must(w.servers.Update(ctx, left4me.ByUser("other"), alpha))(w.t)
	w.shows("settings saved by another user", "Another name", serverPatterns()...)
	w.shows("settings saved by another user", "Newer version saved", "/servers/{name}/settings")
	w.shows("the changes of the next restart", "Restart required", "/servers/{name}/settings")
	w.next()
	w.withConfigs(bus.ConfigFile{Path: "left4dead2/cfg/server.cfg", Running: "b\n", Next: "b\n"})
	w.host.say(w.t, left4me.Status{Name: "alpha", State: left4me.Running, Build: 9001, SpecHash: w.specHash("alpha")})
	w.shows("the generated files after the restart", "No changes. The generated files", "/servers/{name}/settings")
	w.next()
	blue := must(w.content.Blueprints().Get(ctx, "versus"))(w.t)
	blue.Settings.Mode = "versus"
	must(w.content.Blueprints().Update(ctx, left4me.ByUser("other"), blue))(w.t)
	w.shows("the settings of a blueprint", "Newer version saved", "/blueprints/{name}")
	w.next()
	crash := bus.Crash{V: bus.Version, Server: "alpha", At: time.Now(), Exit: "segmentation fault"}
	if err := w.bus.Record(ctx, left4me.LocalHost, bus.KindCrash, "1", crash); err != nil {
		w.t.Fatal(err)
	}
	w.shows("a crash", "segmentation fault", "/servers/{name}/history")
}

// changeDefinitions creates an overlay and changes the definition of another.
func (w *walk) changeDefinitions() {
	w.t.Helper()
	ctx := w.t.Context()
	w.next()
	must(w.content.Create(ctx, left4me.ByUser("other"), left4me.Overlay{Name: "fresh", Kind: left4me.FilesOverlay}))(w.t)
	w.shows("a new overlay", "fresh", "/overlays")
	w.shows("the choice of a new overlay", "Newer version saved", "/servers/new", "/blueprints/new")
	w.next()
	v := must(w.content.Get(ctx, "plugins"))(w.t).Overlay
	v.Note = "a new note"
	must(w.content.Update(ctx, left4me.ByUser("other"), v))(w.t)
	w.shows("the note of an overlay", "a new note", append(overlayPatterns("plugins"), "/overlays")...)
	w.shows("the definition of an overlay", "Newer version saved", "/overlays/{name}/settings")
}

// build builds a revision of the overlay plugins, then lets the script of the overlay made fail.
func (w *walk) build() {
	w.t.Helper()
	ctx := w.t.Context()
	w.next()
	must(w.content.Build(ctx, left4me.ByUser("admin"), "plugins", overlays.Request{Change: &left4me.Change{Upload: w.upload}}))(w.t)
	w.shows("a build", "Queued", append(overlayPatterns("plugins"), "/overlays")...)
	d := w.host.next(w.t)
	w.next()
	w.host.report(w.t, d, left4me.JobRunning, nil,
		left4me.Step{Label: "unpack", State: left4me.StepRunning, Progress: left4me.Progress{Done: 1, Total: 4}})
	w.shows("the progress of a build", "25 %", append(overlayPatterns("plugins"), "/overlays")...)
	w.next()
	made := someMaps("plugins")
	w.host.overlays.has(made)
	w.host.overlays.put("plugins/first.cfg", "text")
	w.host.report(w.t, d, left4me.JobDone, nil)
	w.shows("the first revision", "revision 2", overlayPatterns("plugins")...)
	for pattern, text := range map[string]string{
		"":           "first.cfg",
		"/problems":  "director.nut",
		"/campaigns": "Glubtastic",
		"/delete":    "3 revisions",
	} {
		w.shows("the content of the first revision", text, "/overlays/{name}"+pattern)
	}

	w.next()
	must(w.content.Build(ctx, left4me.ByUser("admin"), "made", overlays.Request{}))(w.t)
	d = w.host.next(w.t)
	w.host.report(w.t, d, left4me.JobFailed, &left4me.Error{Kind: left4me.Conflict, Text: "the script failed with exit status 3"})
	w.shows("a failed script", "failed with exit status 3", "/overlays/{name}/script")
	w.shows("a failed script", "Build failed", "/overlays")
}

// changeRevisions changes the current revision of an overlay, a label, Workshop items, an upload and the
// blueprint of a server.
func (w *walk) changeRevisions() {
	w.t.Helper()
	ctx := w.t.Context()
	w.next()
	must(w.content.Revisions().Use(ctx, left4me.ByUser("other"), "maps", 3))(w.t)
	w.shows("another current revision", "revision 3", overlayPatterns("maps")...)
	w.next()
	c := someMaps("maps")
	c.Current, c.Revisions[0].Label = 3, "Saturday"
	w.host.overlays.has(c)
	must(w.content.Revisions().Label(ctx, left4me.ByUser("other"), "maps", 3, "Saturday"))(w.t)
	w.shows("a label", "Saturday", "/overlays/{name}/revisions", "/overlays")
	w.next()
	maps := must(w.content.Get(ctx, "maps"))(w.t).Overlay
	maps.Workshop.Entries = append(maps.Workshop.Entries, left4me.WorkshopEntry{ID: "4711"})
	must(w.content.Update(ctx, left4me.ByUser("other"), maps))(w.t)
	w.shows("a workshop item", "4711", "/overlays/{name}/items")

	w.next()
	up := must(w.uploads.Create(ctx, w.admin, "plugins"))(w.t)
	must(w.uploads.Write(ctx, w.admin, up.ID, "half.vpk", 0, 10, strings.NewReader("12345")))(w.t)
	w.shows("a started upload", "half.vpk", "/overlays/{name}/upload", "/uploads")

	w.next()
	w.withBlueprint("beta", "versus")
	w.shows("the servers of a blueprint", "/servers/beta", "/blueprints", "/blueprints/{name}")
	w.shows("the servers of a blueprint", "The blueprint is used by beta", "/blueprints/{name}/delete")
}

// changeAccounts creates tokens and changes a user.
func (w *walk) changeAccounts() {
	w.t.Helper()
	ctx := w.t.Context()
	w.next()
	must(w.accounts.CreateToken(ctx, w.admin, "a new token", time.Time{}))(w.t)
	w.shows("a token", "a new token", "/account")
	guest := accounts.Actor{UserID: must(w.store.Users().Get(ctx, "guest"))(w.t).ID, Name: "guest"}
	w.next()
	must(w.accounts.CreateToken(ctx, guest, "of a guest", time.Time{}))(w.t)
	w.shows("a token of a user", "of a guest", "/users/{name}")
	w.shows("a token of a user", "1 token", "/users/{name}/delete")
	w.shows("a token of a user", ">1 token<", "/users")
	w.next()
	must(w.accounts.ChangeUser(ctx, w.admin, "guest", accounts.Change{Disabled: new(true)}))(w.t)
	w.shows("a disabled user", "Disabled", "/users", "/users/{name}")
	w.next()
	must(w.accounts.ChangeUser(ctx, w.admin, "guest", accounts.Change{Admin: new(true)}))(w.t)
	w.shows("another role", "Administrator", "/users")
	w.shows("another role", "Newer version saved", "/users/{name}")
}

// changeHost changes the game, the disk and the backups.
func (w *walk) changeHost() {
	w.t.Helper()
	ctx := w.t.Context()
	w.next()
	w.has(w.t, installed)
	w.shows("a newer build", "A newer build of the game is available", "/servers")
	w.shows("a newer build", "Newer build available", "/game")
	w.next()
	must(w.game.SetPolicy(ctx, left4me.ByUser("other"), left4me.LocalHost, game.Policy{CheckEvery: 12 * time.Hour, Restart: "never"}))(w.t)
	w.shows("the policy of the game", "Newer version saved", "/game")
	w.next()
	must(w.servers.Addresses().Set(ctx, left4me.ByUser("other"), "play.example.org"))(w.t)
	w.shows("the public address", "connect play.example.org:", "/servers/{name}")
	w.shows("the public address", "Newer version saved", "/address")

	w.next()
	must(w.servers.Act(ctx, left4me.ByUser("other"), left4me.StopServer, "beta"))(w.t)
	w.shows("a job of another user", "other", "/jobs")
	w.next()
	w.full.Store(&left4me.Error{Kind: left4me.DiskFull, Text: "the disk of left4me is full", Hint: "delete something"})
	w.shows("a full disk", "The disk of left4me is full", web.Pages()...)
	w.next()
	w.full.Store(nil)
	w.shows("free disk space", `<div id="full" role="status"></div>`, web.Pages()...)

	w.next()
	policy := must(w.backups.Policy(ctx))(w.t)
	policy.Daily = 3
	if err := w.backups.SetPolicy(ctx, left4me.ByUser("other"), policy); err != nil {
		w.t.Fatal(err)
	}
	w.shows("the policy of backups", "Newer version saved", "/backups")
	w.next()
	w.host.setBackups(left4me.Backup{Name: "newest", State: left4me.BackupVerified, CreatedAt: time.Now()})
	if err := w.backups.Delete(ctx, left4me.ByUser("other"), "newest"); err != nil {
		w.t.Fatal(err)
	}
	w.shows("the backups", "backups/newest.tar.zst", "/backups")
}

// deleteServer changes the connectivity check of the server alpha, then deletes the server.
func (w *walk) deleteServer() {
	w.t.Helper()
	ctx := w.t.Context()
	w.next()
	w.host.setChecks([]left4me.Check{{Name: "port", State: left4me.CheckBroken, Text: "the port is shut"}})
	w.host.say(w.t, left4me.Status{Name: "alpha", State: left4me.Stopped})
	w.shows("the connectivity check", "the port is shut", "/servers/{name}/reach", "/doctor")

	w.next()
	must(w.servers.Act(ctx, left4me.ByUser("other"), left4me.DeleteServer, "alpha"))(w.t)
	for d := w.host.next(w.t); ; d = w.host.next(w.t) {
		w.host.report(w.t, d, left4me.JobDone, nil)
		if d.Kind == left4me.DeleteServer {
			break
		}
	}
	w.shows("a deleted server", "gone /servers", of("/servers/{name}")...)
	w.shows("a server that can be restored", "2 deleted servers", "/servers")
	w.shows("a server that can be restored", `aria-label="Restore server alpha"`, "/deleted-servers")
	w.restoreServer()
}

// restoreServer follows the way from the address of a deleted server to the restored one.
func (w *walk) restoreServer() {
	w.t.Helper()
	b := w.as(w.t, "admin")
	b.get("/servers/alpha").has(w.t, 404, "Server alpha was deleted", `href="/deleted-servers"`)
	all := must(w.servers.Deleted().List(w.t.Context()))(w.t)
	last := must(w.jobs.List(w.t.Context(), "server", "alpha", 1))(w.t)
	b.get("/jobs/"+string(last[0].ID)).has(w.t, 200, "alpha was deleted. You can restore it until", `href="/deleted-servers"`)
	p := b.post("/deleted-servers/" + string(all[0].ID) + "/restore")
	p.has(w.t, 303)
	p = b.get(p.header.Get("Location"))
	p.has(w.t, 200, "alpha was restored", "and restored since then")
	p.hasNot(w.t, "until the next start", "Its former name")
	p = b.post("/deleted-servers/" + string(goneID) + "/restore")
	b.get(p.header.Get("Location")).has(w.t, 200, "alpha-2 was restored", "Its former name alpha is in use")
	b.get("/jobs/"+string(last[0].ID)).hasNot(w.t, "You can restore it until")
}

func (w *walk) withConfigs(files ...bus.ConfigFile) {
	w.host.mu.Lock()
	defer w.host.mu.Unlock()
	w.host.config = files
}

func (w *walk) specHash(server left4me.Name) string {
	w.t.Helper()
	sp, _, err := w.servers.Spec(w.t.Context(), server)
	if err != nil {
		w.t.Fatal(err)
	}
	return sp.Hash()
}

func (w *walk) withBlueprint(server, blueprint left4me.Name) {
	w.t.Helper()
	v := must(w.servers.Get(w.t.Context(), server))(w.t).Server
	v.Blueprint = blueprint
	must(w.servers.Update(w.t.Context(), left4me.ByUser("other"), v))(w.t)
}

func (h *host) setBackups(all ...left4me.Backup) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.backups = all
}

func (s *overlayHost) put(path, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = text
}
