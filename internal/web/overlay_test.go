package web_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// overlay creates an overlay that has three revisions on the host.
func (s *site) overlay(tb testing.TB, v left4me.Overlay) {
	tb.Helper()
	must(s.content.Create(tb.Context(), left4me.ByUser("admin"), v))(tb)
	s.host.overlays.has(someMaps(v.Name))
}

var friday = left4me.Overlay{
	Name:     "maps",
	Kind:     left4me.WorkshopOverlay,
	Note:     "for <Friday>\u202e",
	Workshop: &left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "100"}}},
}

func TestOverlayPageShowsRollout(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	for name, ref := range map[left4me.Name]left4me.OverlayRef{"alpha": {Name: "maps"}, "held": {Name: "maps", Revision: 1}} {
		s.addServer(t, name)
		must(s.servers.Update(t.Context(), left4me.ByUser("admin"),
			left4me.Server{Name: name, Blueprint: left4me.DefaultBlueprint, Overlays: []left4me.OverlayRef{ref}}))(t)
	}
	have := someMaps("maps")
	have.Revisions[2].Servers = []left4me.Name{"alpha", "held"}
	s.host.overlays.has(have)
	s.tell(t,
		left4me.Status{Name: "alpha", State: left4me.Running, Players: 2, Overlays: []left4me.OverlayRef{{Name: "maps", Revision: 1}}})
	b := s.as(t, "admin")
	page := b.get("/overlays/maps")
	page.has(t, http.StatusOK, "A restart changes the revision on 1 server", "/servers/alpha", "1 → 2")
	page.hasNot(t, "/servers/held", "Rollout of")
	b.post("/overlays/maps/rollout/cancel").has(t, http.StatusNotFound)

	r := store.OverlayRestart{
		Overlay:   "maps",
		Revision:  2,
		Mode:      "empty",
		State:     overlays.RestartRuns,
		CreatedAt: longAgo,
		Moves:     []store.Move{{Server: "beta", State: "moved"}},
	}
	if err := s.store.OverlayRestarts().Set(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	b.get("/overlays/maps").has(t, http.StatusOK, "Rollout of revision 2",
		"Each server restarts when no one is playing on it", "/servers/beta",
		"Updated", `action="/overlays/maps/rollout/cancel"`)
	guest := s.as(t, "guest")
	guest.get("/overlays/maps").hasNot(t, "/overlays/maps/rollout/cancel")
	guest.post("/overlays/maps/rollout/cancel").has(t, http.StatusForbidden)
	b.post("/overlays/maps/rollout/cancel").has(t, http.StatusSeeOther)
	page = b.get("/overlays/maps")
	page.has(t, http.StatusOK, "Cancelled", "Cancelled by admin.", "A restart changes the revision on 1 server")
	page.hasNot(t, "/overlays/maps/rollout/cancel")
}

func TestOverlayPagesShowTheirContent(t *testing.T) {
	s := newSite(t, false)
	s.as(t, "guest").get("/overlays").has(t, http.StatusOK, "No overlays yet")
	s.overlay(t, friday)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	s.host.overlays.files = map[string]string{
		"plugins/left4dead2/cfg/a\u202e.cfg":            "<b>",
		"plugins/left4dead2/addons/x.vpk":               "x",
		"plugins/left4dead2/addons/x.vpk/addoninfo.txt": "it\u202e",
	}
	b := s.as(t, "admin")
	for path, texts := range map[string][]string{
		"/overlays":                            {"for &lt;Friday&gt;‹202E›", "2 problems", "Friday &lt;b&gt;", "1.20 GB"},
		"/overlays/maps":                       {">Files</a>", "revision 2", "A restart changes the revision on 1 server", "1 → none"},
		"/overlays/plugins?q=a":                {"left4dead2/addons/x.vpk"},
		"/overlays/plugins?dir=left4dead2/cfg": {"a‹202E›.cfg"},
		"/overlays/plugins/file?path=left4dead2/cfg/a%E2%80%AE.cfg":         {"&lt;b&gt;", "Edit"},
		"/overlays/plugins/file?path=left4dead2/addons/x.vpk/addoninfo.txt": {"it‹202E›"},
		"/overlays/maps/revisions": {
			"daily refresh", "asked for",
			"/overlays/maps/revisions/3/use",
		},
		"/overlays/maps/diff?from=1":      {"Changes from revision 1 to 2", "old‹202E›.cfg", "1.0 kB → 2000.0 kB"},
		"/overlays/maps/problems":         {"director.nut", "one of them out: the game", "map ‹202E›xm1"},
		"/overlays/maps/campaigns":        {"Glubtastic 4 &lt;script&gt;", "glub2", "Co-op, Versus"},
		"/overlays/maps/settings":         {"for &lt;Friday&gt;", "File names"},
		"/overlays/maps/items":            {"Add items and collections"},
		"/overlays/maps/delete":           {"Type <code>maps</code> to confirm", "3 revisions"},
		"/overlays/maps/revisions/3/drop": {"100 B of files"},
		"/overlays/plugins/upload":        {"Choose files", "webkitdirectory"},
		"/overlays/plugins/edit":          {"New text file", "data-editor"},
		"/overlays/new":                   {"GitHub release"},
		"/overlays/new?kind=git":          {"Branch, tag or commit"},
	} {
		b.get(path).has(t, http.StatusOK, texts...)
	}
	for _, path := range []string{
		"/overlays/none", "/overlays/maps/script", "/overlays/maps/upload", "/overlays/maps?rev=x",
		"/overlays/plugins/file?path=../x", "/overlays/maps/problems?rev=9", "/overlays/maps/revisions/9/drop", "/overlays/plugins/items",
	} {
		b.get(path).has(t, http.StatusNotFound)
	}
}

// Files may contain passwords, so users who may only see an overlay must not see their text.
func TestGuestSeesNoFileContentOfOverlays(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay, Cfg: []string{"sv_password hunter2"}})
	s.host.overlays.files = map[string]string{"plugins/secret.cfg": "rcon_password x"}
	b := s.as(t, "guest")
	if p := b.get("/overlays/plugins/settings"); strings.Contains(p.body, "hunter2") || !strings.Contains(p.body, "sv_password") {
		t.Errorf("got page %s", p.body)
	}
	b.get("/overlays/plugins").has(t, http.StatusOK, "secret.cfg")
	for _, path := range []string{
		"/file?path=secret.cfg", "/download?path=secret.cfg", "/archive", "/edit?path=secret.cfg", "/upload",
		"/delete",
	} {
		b.get("/overlays/plugins"+path).has(t, http.StatusForbidden)
	}
	for _, path := range []string{
		"/build", "/repair", "/restore", "/settings", "/delete", "/revisions/1/use", "/revisions/1/drop",
		"/remove", "/edit", "/items", "/upload", "/uploads",
	} {
		b.post("/overlays/plugins"+path, "path", "secret.cfg").has(t, http.StatusForbidden)
	}
}

func TestOverlayFormCreatesOverlay(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.post("/overlays/new", "kind", "git", "name", "Bad Name", "url", "https://github.com/a/b", "note", "keep <me>", "hours", "24",
		"restart", "never").
		has(t, http.StatusUnprocessableEntity, "is not a valid name", `value="https://github.com/a/b"`, "keep &lt;me&gt;")
	b.post("/overlays/new", "kind", "workshop", "name", "maps", "items", "what?", "hours", "24", "restart", "empty").
		has(t, http.StatusUnprocessableEntity, "what?", "no number or address of a workshop item")
	p := b.post("/overlays/new", "kind", "workshop", "name", "maps", "items",
		"https://steamcommunity.com/sharedfiles/filedetails/?id=3044322422 121090376", "hours", "24", "restart", "at", "hour", "05:30",
		"names", "original")
	if p.has(t, http.StatusSeeOther); p.header.Get("Location") != "/overlays/maps/items" {
		t.Errorf("got headers %v", p.header)
	}
	v := must(s.content.Get(t.Context(), "maps"))(t)
	if v.Refresh.Hours != 24 || v.Refresh.Restart != "05:30" || v.Workshop.Names != "original" || len(v.Workshop.Entries) != 2 {
		t.Errorf("got definition %+v", v.Overlay)
	}
	b.post("/overlays/new", "kind", "script", "name", "configs", "script", "true", "hours", "0", "restart", "never").
		has(t, http.StatusSeeOther)
	b.post("/overlays/new", "kind", "workshop", "name", "later", "hours", "24", "restart", "never").has(t, http.StatusSeeOther)
	b.post("/overlays/new", "kind", "files", "name", "own").has(t, http.StatusSeeOther)
	for name, jobs := range map[left4me.Name]int{"maps": 1, "configs": 1, "later": 0, "own": 0} {
		all := must(s.jobs.List(t.Context(), left4me.BuildOverlay.Noun(), name, 10))(t)
		if len(all) != jobs {
			t.Errorf("%s: creating the overlay started %d jobs, want %d", name, len(all), jobs)
		}
	}
	b.post("/overlays/new", "kind", "files", "name", "maps").has(t, http.StatusConflict, "maps")
}

// If two users edit the same definition, the second one sees the changes of the first and
// keeps the typed values.
func TestSecondEditorOfOverlaySettingsGetsConflict(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	b := s.as(t, "admin")
	v := must(s.content.Get(t.Context(), "maps"))(t)
	version := fmt.Sprint(v.Version)
	b.post("/overlays/maps/settings", "version", version, "note", "first", "names", "id", "hours", "24", "restart", "never").has(t,
		http.StatusSeeOther)
	b.post("/overlays/maps/settings", "version", version, "note", "second", "names", "id", "hours", "6", "restart", "never", "cfg",
		"sv_a 1\r\nsv_b 2").
		has(t, http.StatusConflict, "Someone else saved changes", "first", `value="second"`, "sv_a 1\nsv_b 2", "Save my version")
	v = must(s.content.Get(t.Context(), "maps"))(t)
	if v.Note != "first" {
		t.Errorf("got definition %+v", v.Overlay)
	}
	b.post("/overlays/maps/settings", "version", fmt.Sprint(v.Version), "note", "second", "names", "id", "hours", "6", "restart",
		"never").has(t, http.StatusSeeOther)
	if v = must(s.content.Get(t.Context(), "maps"))(t); v.Note != "second" || len(v.Workshop.Entries) != 1 {
		t.Errorf("got definition %+v", v.Overlay)
	}
}

func TestWorkshopItemsAreReviewedBeforeAdding(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	s.host.overlays.items = []left4me.WorkshopState{
		{ID: "200", Title: "Night <maps>", State: left4me.ItemCollection, Children: []left4me.WorkshopID{"201", "202", "200"}},
		{ID: "201", Title: "Good", State: left4me.ItemReady, Size: 5_000_000, Picture: "https://images.steamusercontent.com/ugc/1/2/"},
		{ID: "202", State: left4me.ItemPrivate, Picture: "https://evil.example/x.png"},
		{ID: "100", Title: "Had", State: left4me.ItemReady, Picture: "javascript:alert(1)"},
	}
	b := s.as(t, "admin")
	p := b.post("/overlays/maps/items/look", "items", "see https://steamcommunity.com/workshop/filedetails/?id=200 and 100")
	p.has(t, http.StatusUnprocessableEntity) // "see" and "and" are not items
	p = b.post("/overlays/maps/items/look", "items", "https://steamcommunity.com/workshop/filedetails/?id=200\n100")
	p.has(t, http.StatusSeeOther)
	found := b.get(p.header.Get("Location"))
	found.has(t, http.StatusOK, "Night &lt;maps&gt;", "2 items in this collection, 5.0 MB", "Private", "Ask the author to make it public",
		`src="https://images.steamusercontent.com/ugc/1/2/"`, "already added")
	found.hasNot(t, "evil.example", "javascript:")
	if c := found.header.Get("Content-Security-Policy"); !strings.Contains(c, "img-src 'self' https://images.steamusercontent.com ") {
		t.Errorf("got content security policy %q", c)
	}
	if c := b.get("/overlays/maps").header.Get("Content-Security-Policy"); !strings.Contains(c, "img-src 'self';") {
		t.Errorf("got content security policy %q", c)
	}
	b.post("/overlays/maps/items/add", "id", "200", "build", "yes").has(t, http.StatusSeeOther)
	d := s.host.next(t)
	var spec left4me.BuildSpec
	if err := bus.Decode(d.Spec, &spec); err != nil || d.Kind != left4me.BuildOverlay || len(spec.Overlay.Workshop.Entries) != 2 ||
		spec.Note != "added 1 item or collection" {
		t.Errorf("got job %s with build %+v, error %v", d.Kind, spec, err)
	}
	b.post("/overlays/maps/items", "do", "freeze", "id", "200").has(t, http.StatusSeeOther)
	b.post("/overlays/maps/items", "do", "exclude", "id", "202").has(t, http.StatusSeeOther)
	b.post("/overlays/maps/items", "do", "remove", "id", "100").has(t, http.StatusSeeOther)
	w := must(s.content.Get(t.Context(), "maps"))(t).Workshop
	if len(w.Entries) != 1 || w.Entries[0].ID != "200" || fmt.Sprint(w.Entries[0].Frozen) != "[201 202]" ||
		fmt.Sprint(w.Exclude) != "[202]" {
		t.Errorf("got items %+v", w)
	}
	b.get("/overlays/maps/items").has(t, http.StatusOK, "Frozen", "Unfreeze", "Excluded")
	b.post("/overlays/maps/items", "do", "follow", "id", "200").has(t, http.StatusSeeOther)
	b.post("/overlays/maps/items", "do", "include", "id", "202").has(t, http.StatusSeeOther)
	if w := must(s.content.Get(t.Context(), "maps"))(t).Workshop; len(w.Entries[0].Frozen)+len(w.Exclude) != 0 {
		t.Errorf("got items %+v", w)
	}
}

// Repair buttons are shown to users who may change the overlay, and only for the current
// revision.
func TestRepairButtonStartsRepair(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	c := someMaps("plugins")
	c.Revisions[1].Warnings = append(c.Revisions[1].Warnings,
		left4me.Warning{
			Kind: left4me.WarnText,
			Path: "left4dead2/cfg/<a>.cfg",
			Text: "line 3: typographic quotation marks",
			Hint: "write plain ones",
			Fix:  true,
		},
		left4me.Warning{Kind: left4me.WarnText, Path: "left4dead2/cfg/long.cfg", Text: "line 1: a command of more than 510 bytes"})
	c.Revisions[2].Warnings = c.Revisions[1].Warnings
	s.host.overlays.has(c)
	b := s.as(t, "admin")
	p := b.get("/overlays/plugins/problems")
	p.has(t, http.StatusOK, "typographic", "Repair all text files", `action="/overlays/plugins/repair"`,
		`name="path" value="left4dead2/cfg/&lt;a&gt;.cfg"`)
	if n := strings.Count(p.body, "Repair this file"); n != 1 {
		t.Errorf("got %d repair buttons, want 1", n)
	}
	s.as(t, "guest").get("/overlays/plugins/problems").hasNot(t, "Repair")
	b.get("/overlays/plugins/problems?rev=1").hasNot(t, "Repair")
	p = b.post("/overlays/plugins/repair", "path", "left4dead2/cfg/<a>.cfg")
	if p.has(t, http.StatusSeeOther); p.header.Get("Location") != "/overlays/plugins/problems" {
		t.Errorf("got headers %v", p.header)
	}
	var spec left4me.BuildSpec
	if err := bus.Decode(s.host.next(t).Spec, &spec); err != nil || spec.Change == nil ||
		fmt.Sprint(spec.Change.Repair) != "[left4dead2/cfg/<a>.cfg]" {
		t.Errorf("got build %+v, error %v", spec, err)
	}
	b.post("/overlays/plugins/repair", "path", "../x").has(t, http.StatusUnprocessableEntity)
}

func TestOverlaySettingLeavesTextFilesUnchanged(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	b := s.as(t, "admin")
	b.get("/overlays/plugins/settings").has(t, http.StatusOK, "Leave text files unchanged")
	b.post("/overlays/plugins/settings", "version", "1", "restart", "never", "texts", "as-is").has(t, http.StatusSeeOther)
	if v := must(s.content.Get(t.Context(), "plugins"))(t); v.Texts != left4me.TextsAsIs {
		t.Errorf("got definition %+v", v.Overlay)
	}
	b.get("/overlays/plugins/settings").has(t, http.StatusOK, `name="texts" value="as-is" checked`)
	b.post("/overlays/plugins/settings", "version", "2", "restart", "never").has(t, http.StatusSeeOther)
	if v := must(s.content.Get(t.Context(), "plugins"))(t); v.Texts != "" {
		t.Errorf("got definition %+v", v.Overlay)
	}
}

func TestUploadInPiecesResumesAtOffset(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	s.host.overlays.plan = left4me.Plan{
		Root:    "left4dead2",
		Count:   1,
		Bytes:   11,
		Files:   []left4me.PlanFile{{Path: "left4dead2/cfg/a.cfg", Size: 11}},
		Skipped: []string{"README: no"},
		Repairs: []string{"left4dead2/cfg/a.cfg: it is <UTF-16>"},
		Warnings: []left4me.Warning{left4me.NewWarning(left4me.WarnBroken, "left4dead2/cfg/a.cfg", "addon.checksums_wrong",
			"names", "maps/<a>.bsp", "more", nil)},
		Unread: 3 << 20,
	}
	b := s.as(t, "admin")
	live := []string{"X-Left4me", "live", "Sec-Fetch-Site", "same-origin"}
	p := b.do(http.MethodPost, "/overlays/plugins/uploads", "", live...)
	p.has(t, http.StatusCreated, `"id":"`)
	id := strings.Split(p.body, `"`)[strings.Count(strings.Split(p.body, `"id"`)[0], `"`)+3]
	piece := func(offset, text string) page {
		return b.do(http.MethodPut, "/overlays/plugins/uploads/"+id+"/file?path=cfg/a.cfg&size=11&offset="+offset, text, live...)
	}
	piece("0", "hello ").has(t, http.StatusOK, `"have":6`)
	b.get("/overlays/plugins/upload?id="+id).has(t, http.StatusOK, "Continue an upload", `data-id="`+id)
	b.get("/overlays/plugins/uploads/"+id).has(t, http.StatusSeeOther) // the upload is incomplete
	piece("3", "world").has(t, http.StatusConflict, `"have":6`)
	b.get("/overlays/plugins/uploads/"+id+"/state", live...).has(t, http.StatusOK, `"have":6`)
	piece("6", "world").has(t, http.StatusOK, `"have":11`)
	b.get("/overlays/plugins/uploads/"+id+"?root=left4dead2&replace=yes&names=gbk&texts=as-is").has(t, http.StatusOK,
		"left4dead2/cfg/a.cfg", "README: no", "Replace all files", "it is &lt;UTF-16&gt;", `name="texts" value="as-is" checked`,
		"1 problem", "wrong checksums: maps/&lt;a&gt;.bsp", "Download the add-on again", "3.1 MB were not checked")
	if r := last[bus.PlanRequest](t,
		&s.host.overlays); r.Change.Upload != id || r.Change.Import.Root != "left4dead2" || r.Change.Import.Names != "gbk" ||
		r.Change.Import.Texts != left4me.TextsAsIs || !r.Change.Replace {
		t.Errorf("got plan request %+v", r)
	}
	b.post("/overlays/plugins/uploads/"+id+"/publish", "root", "left4dead2", "base", "2", "note", "why", "texts", "as-is").has(t,
		http.StatusSeeOther)
	var spec left4me.BuildSpec
	if err := bus.Decode(s.host.next(t).Spec,
		&spec); err != nil || spec.Change == nil || spec.Change.Upload != id || spec.Change.Base != 2 ||
		spec.Change.Import.Texts != left4me.TextsAsIs || spec.Note != "why" {
		t.Errorf("got build %+v, error %v", spec, err)
	}
}

// A browser without scripts sends files in the form, which may be larger than other forms.
func TestUploadFormWorksWithoutScripts(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	b := s.as(t, "admin")
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	f := must(form.CreateFormFile("file", `C:\Users\x\maps.vpk`))(t)
	_, _ = f.Write(bytes.Repeat([]byte("x"), 3<<20))
	_ = form.Close()
	p := b.do(http.MethodPost, "/overlays/plugins/upload", body.String(), "Content-Type", form.FormDataContentType(), "Sec-Fetch-Site",
		"same-origin")
	p.has(t, http.StatusSeeOther)
	b.get(p.header.Get("Location")).has(t, http.StatusOK, "maps.vpk, 3.1 MB")
	b.do(http.MethodPost, "/overlays/plugins/upload", body.String()[:1<<20], "Content-Type", form.FormDataContentType(), "Sec-Fetch-Site",
		"same-origin").has(t, http.StatusServiceUnavailable)
	b.get("/uploads").has(t, http.StatusOK, "maps.vpk", "for plugins", "Continue")
	s.as(t, "guest").get("/uploads").has(t, http.StatusForbidden)
	b.post("/uploads/"+path.Base(p.header.Get("Location"))+"/drop").has(t, http.StatusSeeOther)
	b.get(p.header.Get("Location")).has(t, http.StatusNotFound)
	b.get("/uploads").has(t, http.StatusOK, "No unpublished uploads") // the interrupted upload must not be listed either
}

func TestEditorSavesFileAndShowsConflict(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	onHost := &s.host.overlays
	onHost.files = map[string]string{"plugins/cfg/a.cfg": "one\r\ntwo\r\n"}
	b := s.as(t, "admin")
	b.get("/overlays/plugins/edit?path=cfg/a.cfg").has(t, http.StatusOK, "one", `name="base" value="2"`, `name="crlf"`)
	saved := make(chan page)
	save := func(text string) {
		go func() {
			saved <- b.post("/overlays/plugins/edit", "path", "cfg/a.cfg", "base", "2", "crlf", "yes", "text", text)
		}()
	}
	save("one\r\nthree\r\n")
	d := s.host.next(t)
	var spec left4me.BuildSpec
	if err := bus.Decode(d.Spec, &spec); err != nil || !spec.Change.Import.Exact || spec.Change.Base != 2 {
		t.Fatalf("got build %+v, error %v", spec, err)
	}
	if text, err := os.ReadFile(filepath.Join(s.root, "tmp", "upload-"+spec.Change.Upload, "files", "cfg", "a.cfg")); err != nil ||
		string(text) != "one\r\nthree\r\n" {
		t.Errorf("got file %q, error %v", text, err)
	}
	s.host.report(t, d, left4me.JobDone, nil)
	if p := <-saved; p.status != http.StatusSeeOther || p.header.Get("Location") != "/overlays/plugins/edit?path=cfg%2Fa.cfg&saved=2" {
		t.Errorf("got status %d, headers %v", p.status, p.header)
	}
	// Another user saved the file in the meantime.
	onHost.mu.Lock()
	onHost.files["plugins@2/cfg/a.cfg"] = "one\r\ntwo\r\n"
	onHost.files["plugins/cfg/a.cfg"] = "theirs <b>"
	onHost.mu.Unlock()
	save("mine\r\n")
	s.host.report(t, s.host.next(t), left4me.JobFailed,
		&left4me.Error{Kind: left4me.Conflict, Text: "cfg/a.cfg was changed since revision 2"})
	(<-saved).has(t, http.StatusConflict, "Someone else changed this file", "theirs &lt;b&gt;", ">mine\n</textarea>")
}

func TestDownloadsOfFilesAndArchives(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	onHost := &s.host.overlays
	onHost.files, onHost.disk = map[string]string{
		"plugins/a/x.cfg": "0123456789",
		"plugins/b.txt":   "b",
		"plugins/out":     "x",

		"plugins/maps.vpk/addoninfo.txt": "of an add-on",
	}, "overlays/plugins/2/"
	dir := filepath.Join(s.root, "overlays", "plugins", "2")
	if err := os.MkdirAll(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a/x.cfg": "0123456789", "b.txt": "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	b := s.as(t, "admin")
	p := b.get("/overlays/plugins/download?path=a/x.cfg", "Range", "bytes=4-")
	if p.has(t, http.StatusPartialContent); p.body != "456789" || p.header.Get("Content-Disposition") != "attachment; filename=x.cfg" {
		t.Errorf("got body %q, headers %v", p.body, p.header)
	}
	p = b.get("/overlays/plugins/download?path=maps.vpk/addoninfo.txt")
	if p.has(t, http.StatusOK); p.body != "of an add-on" || p.header.Get("Etag") != `"plugins-2-12"` {
		t.Errorf("got body %q, headers %v", p.body, p.header)
	}
	b.get("/overlays/plugins/download?path=out").has(t, http.StatusNotFound)
	onHost.mu.Lock()
	delete(onHost.files, "plugins/out")
	delete(onHost.files, "plugins/maps.vpk/addoninfo.txt")
	onHost.mu.Unlock()
	p = b.get("/overlays/plugins/archive?rev=2")
	p.has(t, http.StatusOK)
	z := must(zip.NewReader(strings.NewReader(p.body), int64(len(p.body))))(t)
	if len(z.File) != 2 || z.File[0].Name != "a/x.cfg" {
		t.Fatalf("got files %+v in the archive", z.File)
	}
	if text := must(io.ReadAll(must(z.File[0].Open())(t)))(t); string(text) != "0123456789" {
		t.Errorf("got file %q in the archive", text)
	}
}

// A failure before the first byte of an archive is answered with a page. A later failure
// closes the connection and is logged with the id of the request.
func TestFailedDownloadIsReportedOrCutOff(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	dir := filepath.Join(s.root, "overlays", "plugins", "2")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "a.vpk"), make([]byte, 200<<10), 0o644)); err != nil {
		t.Fatal(err)
	}
	onHost := &s.host.overlays
	b := s.as(t, "admin")
	for what, c := range map[string]struct {
		set    func()
		status int
		text   string
	}{
		"a host that doesn't answer": {func() { onHost.treeless = true }, http.StatusServiceUnavailable, "disk is away"},
		"a first file that has gone": {func() { onHost.files = map[string]string{"plugins/gone": ""} }, http.StatusNotFound, "has no file"},
	} {
		onHost.mu.Lock()
		onHost.treeless = false
		c.set()
		onHost.mu.Unlock()
		p := b.get("/overlays/plugins/archive?rev=2")
		p.has(t, c.status, c.text)
		if h := p.header; h.Get("Content-Disposition") != "" || !strings.Contains(h.Get("Content-Type"), "text/html") {
			t.Errorf("%s: got headers %v, want those of a page", what, p.header)
		}
	}
	onHost.mu.Lock()
	onHost.treeless, onHost.files = false, map[string]string{"plugins/a.vpk": "", "plugins/b.gone": ""}
	onHost.mu.Unlock()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/overlays/plugins/archive?rev=2", nil))(t)
	r.Header.Set("X-Request-Id", "cut-in-the-middle")
	res := must(b.http.Do(r))(t)
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || err == nil || len(text) == 0 {
		t.Errorf("got status %d, %d bytes, error %v, want an interrupted archive", res.StatusCode, len(text), err)
	}
	if lines := s.on.Logged("request=cut-in-the-middle"); !slices.ContainsFunc(lines, func(line string) bool {
		return strings.Contains(line, "level=ERROR") && strings.Contains(line, "b.gone")
	}) {
		t.Errorf("got log %q, want an error that names b.gone", lines)
	}
}

func TestPictureRouteServesOnlyPictures(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	s.host.overlays.files = map[string]string{
		"plugins/a.jpg":  "\xff\xd8\xff\xe0 picture",
		"plugins/b.jpg":  "<html><script>",
		"plugins/c.html": "\xff\xd8\xff",
	}
	b := s.as(t, "guest")
	if p := b.get("/overlays/plugins/picture?path=a.jpg"); p.status != http.StatusOK || p.header.Get("Content-Type") != "image/jpeg" ||
		!strings.Contains(p.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("got status %d, headers %v", p.status, p.header)
	}
	b.get("/overlays/plugins/picture?path=b.jpg").has(t, http.StatusNotFound)
	b.get("/overlays/plugins/picture?path=c.html").has(t, http.StatusNotFound)
}

func TestBuildProgressIsStreamed(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	b := s.as(t, "admin")
	list, one := b.stream("/overlays/live"), b.stream("/overlays/maps/live?tab=items")
	b.post("/overlays/maps/build").has(t, http.StatusSeeOther)
	d := s.host.next(t)
	s.host.report(t, d, left4me.JobRunning, nil,
		left4me.Step{Label: left4me.StepFetch, State: left4me.StepRunning, Progress: left4me.Progress{Done: 3, Total: 4, Unit: "bytes"}})
	for _, events := range []<-chan sentEvent{list, one} {
		wait(t, events, "progress", func(e sentEvent) bool { return strings.Contains(e.data, "75 %") })
	}
	s.host.report(t, d, left4me.JobFailed, &left4me.Error{Kind: left4me.Unavailable, Text: "Steam is <away>"})
	wait(t, one, "the end of the build", func(e sentEvent) bool { return strings.Contains(e.data, "Steam is &lt;away&gt;") })
}

func TestDeletingOverlayRequiresItsName(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	b := s.as(t, "admin")
	b.post("/overlays/maps/delete", "confirm", "map").has(t, http.StatusUnprocessableEntity, "The name does not match")
	b.post("/overlays/maps/delete", "confirm", "maps").has(t, http.StatusSeeOther)
	if d := s.host.next(t); d.Kind != left4me.DeleteOverlay {
		t.Errorf("got job %+v, want a deletion", d)
	}
}

// Parameters of a recipe are inserted into the script in quotes, so that the shell cannot
// execute them.
func TestRecipeParametersAreQuotedInScript(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.get("/overlays/new?kind=script").has(t, http.StatusOK, "Start from a recipe", "recipe=sourcemod")
	b.get("/overlays/new?kind=script&recipe=blank").has(t, http.StatusOK, `: &#34;${FILE_URL:=}&#34;`, `value="blank"`)
	p := b.get("/overlays/new?kind=script&recipe=blank&set-FILE_URL=" + url.QueryEscape("https://a/'; rm -rf /\nx"))
	p.has(t, http.StatusOK, `FILE_URL=&#39;https://a/&#39;\&#39;&#39;; rm -rf /␊x&#39;`)
	p.hasNot(t, `${FILE_URL:=}&#34;`)
	b.get("/overlays/new?kind=script&recipe=none").has(t, http.StatusNotFound)
}

func TestRenamePageRenamesOverlay(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.post("/overlays/new", "kind", "files", "name", "maps", "names", "id", "restart", "never")
	b.post("/overlays/new", "kind", "files", "name", "taken", "names", "id", "restart", "never")
	b.get("/overlays/maps/settings").has(t, http.StatusOK, `href="/overlays/maps/rename"`)
	b.get("/overlays/maps/settings").hasNot(t, "Name on the host")
	b.get("/overlays/maps/rename").has(t, http.StatusOK, `name="name"`, `value="maps"`)
	b.post("/overlays/maps/rename", "name", "No <i>").has(t, http.StatusUnprocessableEntity, `id="name-problem"`, `value="No &lt;i&gt;"`)
	b.post("/overlays/maps/rename", "name", "taken").has(t, http.StatusConflict, `id="name-problem"`, `value="taken"`)
	if p := b.post("/overlays/maps/rename", "name", " campaigns "); p.header.Get("Location") != "/overlays/campaigns" {
		t.Fatalf("got status %d, location %s: %s", p.status, p.header.Get("Location"), p.body)
	}
	b.get("/overlays/campaigns/settings").has(t, http.StatusOK, `href="/overlays/campaigns/rename"`, "Name on the host")
	for _, old := range []string{"", "/settings", "/rename"} {
		b.get("/overlays/maps"+old).has(t, http.StatusNotFound)
	}
	b.post("/overlays/maps/rename", "name", "other").has(t, http.StatusNotFound)
	b.post("/overlays/taken/rename", "name", "maps").has(t, http.StatusConflict, `id="name-problem"`, "campaigns was formerly named")
	s.as(t, "guest").get("/overlays/campaigns/settings").hasNot(t, "/overlays/campaigns/rename")
}

// The job that deletes an overlay may end while a page is reading the overlay.
func TestOverlayDeletedDuringRequestIsShown(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	b := s.as(t, "admin")
	b.post("/overlays/maps/delete", "confirm", "maps").has(t, http.StatusSeeOther)
	d := s.host.next(t)
	b.get("/overlays/maps").has(t, http.StatusOK, "Being deleted")
	s.host.report(t, d, left4me.JobCancelled, nil)
	s.host.overlays.beforeTree = func() {
		c := someMaps("maps")
		c.DeletedAt = time.Now()
		s.host.overlays.has(c)
		s.host.overlays.beforeTree = nil
	}
	b.get("/overlays/maps").has(t, http.StatusOK, "Restore the overlay to get all of its files back")
	for _, tab := range []string{"", "/items", "/problems", "/campaigns", "/revisions", "/settings"} {
		b.get("/overlays/maps"+tab).has(t, http.StatusOK)
	}
}

// Restoring in the list leads to the overlay, where the job and its failure are shown.
func TestFailedRestoreOfOverlayIsShown(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	b := s.as(t, "admin")
	b.post("/overlays/maps/delete", "confirm", "maps").has(t, http.StatusSeeOther)
	s.host.report(t, s.host.next(t), left4me.JobDone, nil)
	if form := regexp.MustCompile(`<form[^>]*/maps/restore"[^>]*>`).FindString(b.get("/overlays").body); form == "" ||
		strings.Contains(form, "data-quiet") {
		t.Errorf("the form to restore is %q", form)
	}
	b.post("/overlays/maps/restore").has(t, http.StatusSeeOther)
	s.host.report(t, s.host.next(t), left4me.JobFailed, &left4me.Error{Kind: left4me.Conflict, Text: "another overlay has the name"})
	b.get("/overlays/maps").has(t, http.StatusOK, "Another overlay has the name")
}

func TestServersOfOverlayAreSeparateLinks(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, friday)
	for _, name := range []left4me.Name{"gamma", "pub1"} {
		must(s.servers.Create(t.Context(), left4me.ByUser("tester"),
			left4me.Server{Name: name, Overlays: []left4me.OverlayRef{{Name: "maps"}}}))(t)
	}
	s.as(t, "admin").get("/overlays/maps/settings").has(t, http.StatusOK, `<a class="chip" href="/servers/gamma">gamma</a>`,
		`<a class="chip" href="/servers/pub1">pub1</a>`)
}

// The plan shows file names of an archive in each encoding, with links to choose one. The
// encoding of names that are too short for detection is a setting.
func TestPlanShowsArchiveNamesInEachEncoding(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	s.host.overlays.has(someMaps("plugins"))
	b := s.as(t, "admin")
	who := accounts.Actor{Name: "admin", Admin: true}
	u := must(s.uploads.Create(t.Context(), who, "plugins"))(t)
	must(s.uploads.Write(t.Context(), who, u.ID, "a.zip", 0, 1, strings.NewReader("x")))(t)
	s.host.overlays.plan = left4me.Plan{Count: 1, Names: &left4me.PlanNames{Encoding: "gbk", Guess: true, Examples: []left4me.NamesIn{
		{Encoding: "gbk", Names: []string{"<a>.vpk"}}, {Encoding: "big5", Names: []string{"地圖.vpk"}},
	}}}
	p := b.get("/overlays/plugins/uploads/" + u.ID + "?root=left4dead2%2Fcfg&replace=yes")
	p.has(t, http.StatusOK, "Chinese, simplified (GBK, CP936)", "This is a guess", "地圖.vpk", "&lt;a&gt;.vpk",
		"/overlays/plugins/uploads/"+u.ID+"?names=big5&amp;replace=yes&amp;root=left4dead2%2Fcfg")

	b.get("/uploads").has(t, http.StatusOK, "Names in archives", `value="automatic" selected`)
	b.post("/uploads/names", "encoding", "shift_jis").has(t, http.StatusSeeOther)
	b.get("/uploads").has(t, http.StatusOK, `value="shift_jis" selected`)
	b.post("/uploads/names", "encoding", "ebcdic").has(t, http.StatusUnprocessableEntity)
	s.as(t, "guest").post("/uploads/names", "encoding", "gbk").has(t, http.StatusForbidden)
}

// readyUpload creates a complete upload to the overlay plugins and returns the address of its
// plan.
func (s *site) readyUpload(t *testing.T) (page string) {
	t.Helper()
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	s.host.overlays.has(someMaps("plugins"))
	who := accounts.Actor{Name: "admin", Admin: true}
	u := must(s.uploads.Create(t.Context(), who, "plugins"))(t)
	must(s.uploads.Write(t.Context(), who, u.ID, "a.zip", 0, 1, strings.NewReader("x")))(t)
	return "/overlays/plugins/uploads/" + u.ID
}

func TestMovedFoldersOfUploadAreRemembered(t *testing.T) {
	s := newSite(t, false)
	page := s.readyUpload(t)
	b := s.as(t, "admin")
	s.host.overlays.plan = left4me.Plan{
		Count: 1, Left: []left4me.PlanLeft{{Why: "for people", Count: 2, Files: []string{"a.md"}}},
		Dirs: []left4me.PlanDir{
			{From: "docs", Dir: true, To: "left4dead2/cfg", Why: "a <reason>", Count: 3},
			{From: "odd", Dir: true, Count: 1},
			{From: "odd/x.cfg", To: "left4dead2/cfg/x.cfg", Why: "it is a cfg", Count: 1, Bytes: 7, Asked: true},
		},
	}
	const query = "?names=gbk&replace=yes&root=left4dead2%2Fcfg&texts=as-is"
	b.get(page+query).has(t, http.StatusOK, "2 files left out: for people", "<bdi>docs/</bdi>", "a &lt;reason&gt;", "3 files, 0 B: a",
		"<bdi>left4dead2/cfg</bdi>", "7 B: it is a cfg", "several destinations", "Unclear",
		`action="`+page+`/move`+strings.ReplaceAll(query, "&", "&amp;")+`"`, `name="folder" value="docs"`,
		`name="folder" value="odd/x.cfg"`)
	p := b.post(page+"/move"+query, "folder", "docs", "place", "-")
	p.has(t, http.StatusSeeOther)
	if to := p.header.Get("Location"); to != page+query+"#tree" {
		t.Errorf("got redirect to %s", to)
	}
	b.post(page+"/move", "folder", "/odd/", "place", " left4dead2/maps/ ").has(t, http.StatusSeeOther)
	b.get(page).has(t, http.StatusOK, "2 folders or files moved", "Undo docs", "Detect automatically")
	if r := last[bus.PlanRequest](t, &s.host.overlays); !slices.Equal(r.Change.Import.Moves,
		[]left4me.FolderMove{{From: "docs", To: "-"}, {From: "odd", To: "left4dead2/maps"}}) {
		t.Errorf("got plan request %+v", r)
	}
	b.post(page+"/move", "folder", "odd", "place", "?").has(t, http.StatusSeeOther)
	b.get(page).has(t, http.StatusOK, "1 folder or file moved")
	b.post(page+"/move", "folder", "docs", "place", "../up").has(t, http.StatusUnprocessableEntity, "cannot be moved to")
	b.post(page+"/move", "folder", "", "place", "left4dead2").has(t, http.StatusUnprocessableEntity, "names no folder")
	s.as(t, "guest").post(page+"/move", "folder", "docs", "place", "left4dead2").has(t, http.StatusForbidden)

	b.post(page+"/publish", "note", "why").has(t, http.StatusSeeOther)
	var spec left4me.BuildSpec
	if err := bus.Decode(s.host.next(t).Spec, &spec); err != nil || spec.Change == nil || len(spec.Change.Import.Moves) != 1 {
		t.Errorf("got build %+v, error %v", spec, err)
	}
	if v := must(s.content.Get(t.Context(), "plugins"))(t); len(v.Moves) != 1 || v.Moves[0].From != "docs" {
		t.Errorf("got moves %+v", v.Moves)
	}
	b.get("/overlays/plugins/settings").has(t, http.StatusOK, "Moved folders", "<bdi>docs</bdi>", "left out", "Forget docs")
	s.as(t, "guest").get("/overlays/plugins/settings").hasNot(t, "Forget docs")
	s.as(t, "guest").post("/overlays/plugins/forget", "folder", "docs").has(t, http.StatusForbidden)
	b.post("/overlays/plugins/forget", "folder", "docs").has(t, http.StatusSeeOther)
	b.get("/overlays/plugins/settings").hasNot(t, "Moved folders")
}

// An answer moves all files of its question. An answer to a question that the plan no longer
// has moves nothing.
func TestAnswerMovesAllFilesOfQuestion(t *testing.T) {
	s := newSite(t, false)
	page := s.readyUpload(t)
	b := s.as(t, "admin")
	ask := left4me.PlanAsk{
		Text:    "it is <odd>",
		Count:   500,
		Files:   []string{"0.cfg"},
		Choices: []left4me.PlanChoice{{Text: "the one"}, {Text: "the other"}},
	}
	for i := range 500 {
		for c, to := range []string{"left4dead2/cfg", "left4dead2/addons/sourcemod/configs"} {
			ask.Choices[c].Moves = append(ask.Choices[c].Moves,
				left4me.FolderMove{From: fmt.Sprintf("a folder with a long name/%d.cfg", i), To: to})
		}
	}
	s.host.overlays.plan = left4me.Plan{Count: 1, Asked: 500, Asks: []left4me.PlanAsk{ask}}
	p := b.get(page)
	p.has(t, http.StatusOK, "It is &lt;odd&gt;", "500 files have no clear destination")
	key := regexp.MustCompile(`name="question" value="([^"]+)"`).FindStringSubmatch(p.body)
	if key == nil {
		t.Fatal("the page has no question")
	}
	b.post(page+"/move", "question", "another", "answer", "1").has(t, http.StatusSeeOther)
	b.post(page+"/move", "question", key[1], "answer", "2").has(t, http.StatusSeeOther)
	b.get(page)
	if r := last[bus.PlanRequest](t, &s.host.overlays); len(r.Change.Import.Moves) != 0 {
		t.Errorf("got %d moves", len(r.Change.Import.Moves))
	}
	b.post(page+"/move", "question", key[1], "answer", "1").has(t, http.StatusSeeOther)
	b.get(page).has(t, http.StatusOK, "500 folders or files moved")
	if r := last[bus.PlanRequest](t, &s.host.overlays); !slices.Equal(r.Change.Import.Moves, ask.Choices[1].Moves) {
		t.Errorf("got %d moves", len(r.Change.Import.Moves))
	}
}

// The tree of a large upload starts collapsed, and its page stays below 1 MiB.
func TestLargePlanTreeIsCollapsed(t *testing.T) {
	s := newSite(t, false)
	page := s.readyUpload(t)
	b := s.as(t, "admin")
	var dirs []left4me.PlanDir
	for i := range 20 {
		dirs = append(dirs, left4me.PlanDir{From: fmt.Sprintf("folder%d", i), Dir: true, Count: 24})
		for j := range 24 {
			dirs = append(dirs,
				left4me.PlanDir{
					From:  fmt.Sprintf("folder%d/file%d.cfg", i, j),
					To:    fmt.Sprintf("left4dead2/cfg/file%d.cfg", j),
					Why:   "configurations go to cfg",
					Count: 1,
				})
		}
	}
	s.host.overlays.plan = left4me.Plan{Count: 1, Dirs: dirs, MoreDirs: 3000}
	p := b.get(page)
	p.has(t, http.StatusOK, "folder19/", "file23.cfg", "and 3,000 more entries inside these folders")
	if n := strings.Count(p.body, `<details open><summary>24 entries`); strings.Count(p.body, "24 entries") != 20 || n > 0 {
		t.Errorf("got %d of %d folders expanded, want 0 of 20", n, strings.Count(p.body, "24 entries"))
	}
	if len(p.body) > 1<<20 {
		t.Errorf("got a page of %d bytes, want at most 1 MiB", len(p.body))
	}
}

func TestConflictsKeepTheirFormerAddress(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "alpha")
	p := s.as(t, "admin").get("/servers/alpha/clashes")
	if p.has(t, http.StatusMovedPermanently); p.header.Get("Location") != "/servers/alpha/conflicts" {
		t.Errorf("got %v", p.header)
	}
}

func TestOverlayListSorts(t *testing.T) {
	s := newSite(t, false)
	for _, name := range []left4me.Name{"a", "b", "c"} {
		s.overlay(t, left4me.Overlay{Name: name, Kind: left4me.FilesOverlay})
	}
	s.addServer(t, "alpha")
	must(s.servers.Update(t.Context(), left4me.ByUser("admin"),
		left4me.Server{Name: "alpha", Blueprint: left4me.DefaultBlueprint, Overlays: []left4me.OverlayRef{{Name: "b"}}}))(t)
	b := s.as(t, "admin")
	for query, want := range map[string]string{
		"": "a b c", "?sort=-name": "c b a", "?sort=-used": "b a c", "?sort=used": "a c b", "?sort=nothing": "a b c",
	} {
		p := b.get("/overlays" + query)
		var got []string
		for _, m := range regexp.MustCompile(`<tr id="overlay-(\w+)"`).FindAllStringSubmatch(p.body, -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
	b.get("/overlays?q=b&sort=-used").has(t, http.StatusOK, `aria-sort="descending"`, `href="/overlays?q=b&amp;sort=used"`,
		`href="/overlays?q=b&amp;sort=-size"`)
	b.get("/users?sort=-name").has(t, http.StatusOK, `aria-sort="descending"`)
}
