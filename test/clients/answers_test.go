package clients

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api"
	"github.com/left4me/left4me/internal/api/apitest"
	"github.com/left4me/left4me/sim/steamapi"
	"github.com/left4me/left4me/test/stage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// sometimes lists optional members that are the same in every answer of this test: left4me fills in
// what a request may leave out, and the host reports its game and its address before left4me is ready.
var sometimes = []string{"Script.version", "Workshop.names", "Game.said_at", "GamePolicy.restart", "GameServer.address"}

// TestAnswersMatchDescription calls each operation of a running left4me. The stage compares every
// answer with the API description, and each optional member must be present in one answer and
// absent in another.
func TestAnswersMatchDescription(t *testing.T) {
	t.Parallel()
	_, steam := stage.Steam(t, steamapi.Workshop(0, 0.1))
	s := stage.New(t, 32700, append(steam, "SIM_PLAYERS=3", "SIM_TEMPO=50", "SIM_MAP_LOAD=50ms", "HOME="+t.TempDir())...)
	s.Steam(t, "SIM_STEAM_BUILD=2", "SIM_STEAM_TICK=10ms", "SIM_STEAM_SIZE=2M")
	large := filepath.Join(s.Root, "overlays", "large", "1", "left4dead2", "large.txt")
	if err := errors.Join(os.MkdirAll(filepath.Dir(large), 0o755), os.WriteFile(large, make([]byte, 2<<20), 0o644)); err != nil {
		t.Fatal(err)
	}
	// Names in GBK, too short to detect the encoding.
	for name, text := range map[string]string{
		"gbk.txt":   "// \xb7\xfe\xce\xf1\xc6\xf7\xb5\xc4\xc9\xe8\xd6\xc3\xce\xc4\xbc\xfe\r\n",
		"short.txt": "// \xc2\xe0\r\n",
	} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(large), name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.Serve(t)
	c := &caller{t, s}
	c.get("/servers", "/overlays", "/jobs", "/backups", "/uploads", "/tokens", "/users", "/blueprints", "/recipes", "/hosts/local/game")
	c.accounts()
	c.content()
	c.uploads()
	c.servers()
	c.game()
	c.backups()
	c.get("/servers", "/overlays", "/jobs?limit=500", "/backups", "/tokens", "/users", "/blueprints", "/hosts/local/game",
		"/hosts/local/doctor")
	known := slices.Concat(sometimes, apitest.RareMembers, apitest.RareOperations)
	c.wrongText()
	for _, m := range s.API.Missing() {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(m, k+" ") || strings.HasSuffix(m, " "+k) }) {
			t.Error(m)
		}
	}
}

// caller calls the API as an administrator.
type caller struct {
	*testing.T
	*stage.Stage
}

func (c *caller) get(paths ...string) {
	c.T.Helper()
	for _, p := range paths {
		if status, err := c.Call(http.MethodGet, p, nil, nil); err != nil {
			c.Errorf("%s: %d %v", p, status, err)
		}
	}
}

// do sends a request and returns the id in the answer. For a job it waits for the end.
func (c *caller) do(method, path string, body any) (id string) {
	c.T.Helper()
	var v any
	status, err := c.Call(method, path, body, &v)
	if err != nil {
		c.Errorf("%s %s: %d %v", method, path, status, err)
		return ""
	}
	fields, _ := v.(map[string]any)
	id, _ = fields["id"].(string)
	if status == http.StatusAccepted {
		c.Stage.Ended(c.T, id)
	}
	return id
}

// refused sends a request that must be answered with a problem document.
func (c *caller) refused(method, path string, body any, status int) {
	c.T.Helper()
	got, err := c.Call(method, path, body, nil)
	if got != status || err == nil || !strings.HasPrefix(err.Error(), `{"`) {
		c.Errorf("%s %s: %d %v, want a problem of %d", method, path, got, err, status)
	}
}

type object = map[string]any

func (c *caller) accounts() {
	c.T.Helper()
	c.do("POST", "/users", object{"name": "zoey", "password": "correct horse battery"})
	c.refused("POST", "/users", object{"name": "zoey", "password": "short"}, 422)
	c.do("POST", "/tokens", object{"label": "forever", "user": "zoey"})
	c.do("POST", "/tokens", object{"label": "short", "user": "zoey", "expires_at": "2999-01-01T00:00:00Z"})
	var tokens []struct{ ID string }
	c.Must(c.T, "GET", "/tokens", nil, &tokens)
	c.do("DELETE", "/tokens/"+tokens[0].ID, nil)
	c.refused("GET", "/jobs?limit=9999", nil, 422)
	var made struct{ Token string }
	c.Must(c.T, "POST", "/tokens", object{"label": "used", "user": "zoey"}, &made)
	c.as(made.Token, "DELETE", "/me/sessions", "")
	c.as(made.Token, "PUT", "/me/password", `{"current_password":"correct horse battery","password":"staple battery horse"}`)
	c.get("/tokens")
	c.do("PATCH", "/users/zoey", object{"disabled": true})
	c.do("DELETE", "/users/zoey", nil)
}

// as sends a request over HTTP with a token.
func (c *caller) as(token, method, path, body string) {
	c.T.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, "http://"+c.Address+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err = errors.Join(err, c.API.Answer(method, "/api/v1"+path, a.StatusCode, a.Header, b)); err != nil || a.StatusCode >= 400 {
		c.Errorf("%s %s: %d %s %v", method, path, a.StatusCode, b, err)
	}
}

func (c *caller) content() {
	c.T.Helper()
	c.do("POST", "/overlays", object{"name": "mods", "kind": "files"})
	c.do("POST", "/overlays",
		object{
			"name":     "maps",
			"kind":     "workshop",
			"note":     "maps",
			"cfg":      []string{"sv_tags x"},
			"workshop": object{"entries": []object{{"id": "2900000001"}}},
			"refresh":  object{"hours": 24, "at": "04:00", "restart": "empty"},
		})
	c.do("POST", "/overlays",
		object{
			"name": "chosen",
			"kind": "workshop",
			"workshop": object{
				"names":   "original",
				"entries": []object{{"id": "2900000001", "frozen": []string{"2900000101"}}},
				"exclude": []string{"2900000102"},
			},
		})
	c.do("POST", "/overlays",
		object{"name": "written", "kind": "script", "script": object{"text": "mkdir -p left4dead2/cfg && echo x >left4dead2/cfg/x.cfg"}})
	c.do("POST", "/overlays", object{"name": "tools", "kind": "git", "git": object{"url": "https://127.0.0.1:9/x.git"}})
	c.do("POST", "/overlays",
		object{
			"name": "cloned",
			"kind": "git",
			"git":  object{"url": "https://127.0.0.1:9/x.git", "ref": "main", "subdir": "a", "keep": []string{"b"}},
		})
	c.do("POST", "/overlays", object{"name": "stripper", "kind": "release", "release": object{"repository": "a/b", "asset": "*.zip"}})
	c.do("POST", "/overlays",
		object{
			"name":    "released",
			"kind":    "release",
			"release": object{"repository": "a/b", "asset": "*.zip", "tag": "1", "subdir": "a", "keep": []string{"b"}},
		})
	for _, name := range []string{"maps", "written", "tools"} {
		c.do("POST", "/overlays/"+name+"/build", nil)
	}
	c.do("PUT", "/overlays/written", object{"kind": "script", "script": object{"text": "true"}, "version": 1})
	c.do("PUT", "/overlays/mods/file?path=left4dead2/cfg/a.cfg&note=why", "a")
	c.do("PUT", "/overlays/mods/file?path=left4dead2/cfg/b.cfg", "b")
	c.do("PUT", "/overlays/mods/revisions/2/label", object{"label": "good"})
	c.do("POST", "/overlays/mods/revisions/1/use", nil)
	c.get("/overlays/mods", "/overlays/maps", "/overlays/maps/revisions/current", "/overlays/mods/revisions/1",
		"/overlays/mods/diff?from=0", "/overlays/mods/diff?from=1&to=2",
		"/overlays/mods/diff?from=0&to=2&limit=1", "/overlays/mods/revisions/current/files",
		"/overlays/mods/revisions/current/files?deep=true", "/overlays/mods/revisions/2/files?deep=true&limit=1",
		"/overlays/written/scripts", "/overlays/mods/revisions/1/file?path=left4dead2/cfg/a.cfg", "/recipes", "/recipes/sourcemod",
		"/recipes/blank")
	c.refused("GET", "/overlays/mods/moves", nil, 404)
	c.refused("DELETE", "/overlays/mods/moves", nil, 404)
	c.do("DELETE", "/overlays/mods/revisions/2", nil)
	c.do("POST", "/workshop/parse", object{"text": "2900000001 and 29000000010000000000000000"})
	c.do("POST", "/workshop/lookup", object{"entries": []object{{"id": "2900000001"}, {"id": "1"}}})
	c.do("DELETE", "/overlays/written", nil)
	c.get("/overlays/written")
	c.do("POST", "/overlays/written/restore", nil)
	c.get("/overlays/large/revisions/current/file?path=left4dead2/large.txt",
		"/overlays/large/revisions/current/file?path=left4dead2/gbk.txt",
		"/overlays/large/revisions/current/file?path=left4dead2/short.txt")
	c.do("POST", "/content/collect", nil)
}

func (c *caller) uploads() {
	c.T.Helper()
	id := c.do("POST", "/overlays/mods/uploads", nil)
	c.do("PUT", "/uploads/"+id+"/file?path=left4dead2/cfg/c.cfg&size=3", "c")
	c.get("/uploads", "/uploads/"+id)
	c.do("POST", "/uploads/"+id+"/plan", object{})
	c.do("POST", "/uploads/"+id+"/plan", object{"import": object{"root": "left4dead2/addons"}})
	c.do("DELETE", "/uploads/"+id, nil)
	c.refused("GET", "/uploads/"+id, nil, 404)
	// The game reads this text differently from how it looks.
	const text = "\ufeffsay “x”\n"
	c.do("POST", "/overlays", object{"name": "kept", "kind": "files", "texts": "as-is"})
	id = c.do("POST", "/overlays/mods/uploads", nil)
	c.do("PUT", fmt.Sprintf("/uploads/%s/file?path=left4dead2/cfg/t.cfg&size=%d", id, len(text)), bytes.NewReader([]byte(text)))
	c.do("POST", "/uploads/"+id+"/plan", object{})
	c.do("POST", "/overlays/mods/build", object{"change": object{"upload": id, "import": object{"texts": "as-is"}}})
	c.get("/overlays/mods/revisions/current")
	c.do("POST", "/overlays/mods/build", object{"change": object{"repair": []string{"."}}})
	// File names in GBK: one too short to detect the encoding, and several together.
	for _, names := range [][]string{
		{"\xb5\xd8\xcd\xbc.vpk"},
		{"\xcb\xc0\xcd\xf6\xd6\xd0\xd0\xc4.vpk", "\xc7\xf3\xc9\xfa\xd6\xae\xc2\xb7\xb5\xd8\xcd\xbc.vpk"},
	} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, name := range names {
			if _, err := w.CreateHeader(&zip.FileHeader{Name: name, NonUTF8: true}); err != nil {
				c.T.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			c.T.Fatal(err)
		}
		id := c.do("POST", "/overlays/mods/uploads", nil)
		c.do("PUT", fmt.Sprintf("/uploads/%s/file?path=a.zip&size=%d", id, b.Len()), bytes.NewReader(b.Bytes()))
		c.do("POST", "/uploads/"+id+"/plan", object{})
		c.do("POST", "/overlays/mods/build", object{"change": object{"upload": id}})
		c.get("/overlays/mods", "/overlays/mods/revisions/current")
		c.do("DELETE", "/uploads/"+id, nil)
	}
	c.get("/archive-names")
	c.do("PUT", "/archive-names", object{"encoding": "automatic"})
	c.get("/public-address")
	c.do("PUT", "/public-address", object{"address": "play.example.org"})
}

// bulk works on several servers: alpha runs, beta is stopped.
func (c *caller) bulk(alpha, beta string) {
	c.T.Helper()
	c.do("POST", "/bulk/plan", object{"action": "restart", "servers": []string{alpha, beta}, "mode": "now"})
	c.refused("POST", "/bulk/plan", object{"action": "start", "all": true, "mode": "empty"}, 422)
	c.refused("POST", "/bulk", object{"action": "restart", "all": true, "needs_restart": true}, 409)
	wait := func(id string) {
		stage.Until(c.T, "the end of a bulk act", func() bool {
			var a struct{ State string }
			c.Must(c.T, "GET", "/bulk/"+id, nil, &a)
			return a.State != "running"
		})
	}
	act := func(body object) (id string) {
		var a struct{ ID string }
		c.Must(c.T, "POST", "/bulk", body, &a)
		return a.ID
	}
	waiting := act(object{"action": "restart", "servers": []string{alpha}, "mode": "empty"})
	c.get("/bulk?limit=1")
	c.do("DELETE", "/bulk/"+waiting, nil)
	second := act(object{"action": "restart", "servers": []string{alpha}, "mode": "empty"}) // skipped, because the next one restarts it
	first := act(object{"action": "restart", "servers": []string{alpha}, "mode": "one-by-one"})
	wait(first)
	wait(second)
	c.get("/bulk?limit=1", "/bulk", "/bulk/"+second)
}

func (c *caller) servers() {
	c.T.Helper()
	c.do("POST", "/blueprints", object{"name": "coop", "overlays": []string{"mods"}, "settings": object{"map": "nothere"}})
	c.do("PUT", "/blueprints/coop", object{"version": 1, "overlays": []string{"mods", "custom-campaign", "large"}})
	c.do("POST", "/blueprints", object{"name": "gone"})
	c.do("DELETE", "/blueprints/gone", nil)
	c.do("POST", "/overlays/mods/rename", object{"name": "plugins"})
	c.get("/overlays/plugins")
	c.do("POST", "/overlays/plugins/rename", object{"name": "mods"})
	c.do("POST", "/blueprints/coop/rename", object{"name": "versus"})
	c.do("POST", "/blueprints/versus/rename", object{"name": "coop"})
	c.get("/blueprints/coop", "/blueprints/default")
	c.do("POST", "/servers", object{"name": "alpha", "blueprint": "coop", "settings": object{
		"hostname": "Friends", "map": "c2m1_highway", "mode": "coop", "difficulty": "Hard", "max_players": 4, "tick": 60,
		"region": "europe", "steam_groups": []string{"1234567"},
		"steam_group_only": false, "lobby_only": false, "password": "secret", "tags": []string{"a"}, "motd": "hi", "host_text": "hi",
		"cfg": []string{"sv_x 1"}, "args": []string{"-x"},
		"admins": []object{{"id": "STEAM_1:0:1", "flags": "z", "note": "me"}, {"id": "STEAM_1:0:2", "group": "mods"}},
	}})
	c.do("POST", "/servers", object{"name": "beta", "settings": object{"banner": "https://example.org/", "map": "nothere"}})
	c.do("POST", "/servers/beta/start", nil) // fails, because the map does not exist
	c.do("POST", "/servers/alpha/start", nil)
	c.get("/servers", "/servers/alpha", "/servers/beta", "/servers/alpha/config", "/servers/alpha/reach", "/servers/beta/reach",
		"/servers/alpha/crashes", "/servers/alpha/files", "/servers/alpha/files?deep=true&limit=1000",
		"/servers/alpha/written", "/servers/alpha/pending", "/servers/alpha/compare/beta", "/servers/alpha/campaigns",
		"/servers/alpha/clashes", "/servers/alpha/console/tail",
		"/servers/alpha/file?path=left4dead2/cfg/a.cfg", "/servers/alpha/file?path=left4dead2/large.txt",
		"/servers/alpha/file?path=left4dead2/gbk.txt", "/servers/alpha/file?path=left4dead2/short.txt")
	c.do("POST", "/servers/alpha/console", object{"command": "status"})
	c.do("POST", "/servers/alpha/map", object{"map": "c2m2_fairgrounds"})
	c.do("POST", "/servers/alpha/map", object{"map": "c2m1_highway", "mode": "coop"})
	c.do("PUT", "/servers/alpha",
		object{"version": 1, "blueprint": "coop", "settings": object{"map": "c2m1_highway", "cfg": []string{"sv_y 1"}}})
	c.do("PUT", "/overlays/mods/file?path=left4dead2/cfg/new.cfg", "new")
	stage.Until(c.T, "alpha has players", func() bool {
		v, _ := c.Server("alpha")
		return v.Players > 0
	})
	c.get("/servers", "/servers/alpha", "/servers/alpha/pending", "/servers/alpha/pending?limit=1", "/overlays/mods",
		"/overlays/mods/revisions/1")
	c.do("POST", "/servers/alpha/restart", nil)
	c.bulk("alpha", "beta")
	c.do("POST", "/servers/alpha/stop", nil)
	c.do("POST", "/servers/alpha/written/discard", object{"paths": []string{"left4dead2/addons"}})
	c.do("POST", "/servers/alpha/reset", nil)
	c.do("POST", "/servers/beta/duplicate", object{"name": "beta-copy"})
	c.do("DELETE", "/servers/beta-copy", nil)
	c.do("POST", "/blueprints/coop/servers", object{"count": 2, "names": "coop-#", "preview": true})
	c.do("POST", "/servers/beta/rename", object{"name": "gamma"})
	c.get("/servers/gamma")
	c.do("POST", "/servers/gamma/rename", object{"name": "beta"})
	c.do("DELETE", "/servers/beta", nil)
	var first []struct{ ID string }
	c.Must(c.T, "GET", "/jobs?server=beta&limit=50", nil, &first)
	c.do("POST", "/jobs/"+first[0].ID+"/cancel", nil)
	c.refused("POST", "/jobs/"+first[0].ID+"/retry", nil, 409)
	c.get("/jobs/"+first[0].ID, "/jobs?overlay=tools")
	var failed []struct{ ID, State string }
	c.Must(c.T, "GET", "/jobs?overlay=tools", nil, &failed)
	c.do("POST", "/jobs/"+failed[0].ID+"/retry", nil)
}

func (c *caller) game() {
	c.T.Helper()
	for _, what := range []string{"check", "install", "verify"} {
		c.do("POST", "/hosts/local/game/"+what, nil)
	}
	c.refused("GET", "/hosts/local/game/rollout", nil, 404)
	c.get("/hosts/local/game", "/hosts/local/game/policy")
	c.Steam(c.T, "SIM_STEAM_BUILD=3", "SIM_STEAM_TICK=10ms", "SIM_STEAM_SIZE=2M")
	var update stage.Job
	c.Must(c.T, "POST", "/hosts/local/game/update", object{"restart": "empty"}, &update)
	c.get("/hosts/local/game/rollout") // the rollout waits for the build
	c.Stage.Ended(c.T, update.ID)
	c.do("POST", "/hosts/local/game/pin", object{"pinned": true})
	stage.Until(c.T, "the rollout begins", func() bool {
		var v struct{ State string }
		c.Must(c.T, "GET", "/hosts/local/game/rollout", nil, &v)
		return v.State == "running"
	})
	c.get("/hosts/local/game")
	c.do("DELETE", "/hosts/local/game/rollout", nil)
	c.do("POST", "/hosts/local/game/pin", object{"pinned": false})
	c.do("POST", "/hosts/local/game/rollback", nil)
	c.do("PUT", "/hosts/local/game/policy", object{"check_hours": 6, "update": true, "update_at": "04:00", "restart": "04:30"})
	c.do("PUT", "/hosts/local/game/policy", object{"check_hours": 6, "update": false})
}

func (c *caller) backups() {
	c.T.Helper()
	c.do("POST", "/backups", nil)
	var all []struct{ Name string }
	c.Must(c.T, "GET", "/backups", nil, &all)
	c.do("POST", "/backups/"+all[0].Name+"/verify", nil)
	// A backup that left4me has not verified yet.
	if err := os.WriteFile(filepath.Join(c.Root, "backups", "brought.tar.zst"), []byte("no archive"), 0o600); err != nil {
		c.Fatal(err)
	}
	c.get("/backups", "/backup-policy", "/backups/"+all[0].Name+"/contents", "/deleted-servers", "/deleted-servers?limit=1")
	restored := func(path, name string) {
		stage.Until(c.T, name+" is restored", func() bool {
			status, _ := c.Call("GET", path+name, nil, nil)
			return status == http.StatusOK
		})
	}
	c.do("POST", "/backups/"+all[0].Name+"/restore-server", object{"name": "alpha", "as": "copy"})
	restored("/servers/", "copy")
	c.do("POST", "/backups/"+all[0].Name+"/restore-overlay", object{"name": "mods"})
	restored("/overlays/", "mods-2")
	c.do("POST", "/backups/"+all[0].Name+"/restore-overlay", object{"name": "mods", "replace": true})
	c.do("DELETE", "/servers/copy", nil)
	c.get("/deleted-servers?limit=1")
	c.do("POST", "/deleted-servers/copy/restore", object{"name": "again"})
	c.do("DELETE", "/servers/again", nil)
	c.do("DELETE", "/deleted-servers/again", nil)
	c.do("PUT", "/backup-policy", object{"enabled": true, "at": "04:30", "daily": 7, "weekly": 4})
	c.do("DELETE", "/backups/"+all[0].Name, nil)
}

// wrongText repeats each request once for each string in it, with the string replaced by an invalid
// name, path or text. No answer may be an unexpected error.
func (c *caller) wrongText() {
	c.T.Helper()
	doc, err := api.OpenAPI()
	if err != nil {
		c.Fatal(err)
	}
	type schema struct {
		Ref        string `json:"$ref"`
		Type       string
		Properties map[string]schema
		Items      *schema
		Required   []string
	}
	var d struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				In, Name string
				Required bool
				Schema   schema
			}
			RequestBody struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		c.Fatal(err)
	}
	ask := func(method, path string, body any) {
		if status, err := c.Call(method, path, body, nil); status >= 500 {
			c.Errorf("%s %s %v: %d %v", method, path, body, status, err)
		}
	}
	right := object{
		"name": "text", "kind": "files",
		"label": "x", "map": "c2m1_highway", "version": 1, "server": "alpha", "paths": []string{"a"},
		"entries": []object{{"id": "2900000001"}}, "url": "https://127.0.0.1:9/", "repository": "a/b", "asset": "a",
		"text": "true", "user": "admin", "password": "correct horse battery", "current_password": "x", "command": "status",
		"id": "2900000001", "hours": 1,
	}
	// body calls f with one object for each string of the schema, in which that string is invalid.
	var body func(s schema, deep int, f func(any))
	body = func(s schema, deep int, f func(any)) {
		if s.Ref != "" {
			s = d.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
		}
		switch {
		case deep > 4:
		case s.Type == "string":
			f("a\x00b")
			f(strings.Repeat("long", 100))
		case s.Items != nil:
			body(*s.Items, deep+1, func(v any) { f([]any{v}) })
		}
		for name, p := range s.Properties {
			body(p, deep+1, func(v any) {
				o := object{name: v}
				for k, known := range right {
					if slices.Contains(s.Required, k) && k != name {
						o[k] = known
					}
				}
				f(o)
			})
		}
	}
	names := strings.NewReplacer("/servers/{name}", "/servers/alpha", "/overlays/{name}", "/overlays/mods", "/blueprints/{name}",
		"/blueprints/coop", "{host}", "local", "{revision}", "1", "{other}", "alpha", "{id}", "x", "{name}", "x")
	for path, methods := range d.Paths {
		for method, op := range methods {
			method = strings.ToUpper(method)
			if strings.HasSuffix(path, "/events") || path == "/servers/{name}/console" && method == "GET" {
				continue
			}
			for _, wrong := range []string{"a%00b", strings.Repeat("long", 100), "%C2%85%E2%80%AE", "%FF"} {
				for _, p := range op.Parameters {
					switch {
					case p.In == "path":
						ask(method, names.Replace(strings.Replace(path, "{"+p.Name+"}", wrong, 1)), object{})
					case p.In == "query" && p.Schema.Type == "string":
						q := p.Name + "=" + wrong
						for _, other := range op.Parameters {
							if other.Required && other.In == "query" && other.Name != p.Name {
								q += "&" + other.Name + "=left4dead2/addons/a.vpk"
							}
						}
						ask(method, names.Replace(path)+"?"+q, object{})
					}
				}
			}
			body(op.RequestBody.Content["application/json"].Schema, 0, func(v any) { ask(method, names.Replace(path), v) })
		}
	}
}
