package web_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// The checklist of an empty installation ticks its steps, and disappears with the first start.
func TestFirstStepsTickThemselves(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	steps := func() (ticked string) {
		t.Helper()
		p := b.get("/servers")
		p.has(t, http.StatusOK, "Getting started")
		list := p.body[strings.Index(p.body, `<ol class="steps"`):]
		for item := range strings.SplitSeq(list[:strings.Index(list, "</ol>")], "<li>") {
			for _, step := range []string{"Install the game", "Add maps and plugins", "Create a server", "Start it and play"} {
				if strings.Contains(item, `badge good`) && strings.Contains(item, step+"</span>") {
					ticked += step[:1]
				}
			}
		}
		return ticked
	}
	if got := steps(); got != "" {
		t.Errorf("ticked at first: %s", got)
	}
	s.has(t, installed)
	s.overlay(t, left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay})
	if got := steps(); got != "IA" {
		t.Errorf("ticked with game and overlay: %s, want IA", got)
	}
	s.addServer(t, "alpha")
	if got := steps(); got != "IAC" {
		t.Errorf("ticked with a server: %s, want IAC", got)
	}
	b.post("/servers/alpha/start")
	b.get("/servers").hasNot(t, "Getting started")
}

func TestServerIsNamedAfterItsHostname(t *testing.T) {
	s := newSite(t, false)
	s.addServer(t, "newcomer-harbour")
	b := s.as(t, "admin")
	b.get("/servers/new").has(t, http.StatusOK, `name="start" value="yes" checked`)
	p := b.post("/servers/new", "name", "", "blueprint", "default", "hostname", "Newcomer Harbour!", "start", "yes")
	if to := p.header.Get("Location"); to != "/servers/newcomer-harbour-2?created=yes" {
		t.Fatalf("redirected to %q: %s", to, p.body)
	}
	v := must(s.servers.Get(t.Context(), "newcomer-harbour-2"))(t)
	if v.Job == nil || v.Job.Kind != left4me.StartServer {
		t.Errorf("the server is not being started: %+v", v.Job)
	}
	b.get("/servers/newcomer-harbour-2?created=yes").has(t, http.StatusOK, "newcomer-harbour-2 was created and is starting.")
}

// Adding content without scripts keeps the typed values, also without a file.
func TestContentFormKeepsOtherValues(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, v := range [][2]string{{"hostname", "Harbour"}, {"port", "27100"}, {"overlay", "plugins"}, {"start", "yes"}, {"file", ""}} {
		if err := form.WriteField(v[0], v[1]); err != nil {
			t.Fatal(err)
		}
	}
	form.Close()
	p := b.do(http.MethodPost, "/servers/new/content", body.String(), "Content-Type", form.FormDataContentType(),
		"Sec-Fetch-Site", "same-origin")
	p.has(t, http.StatusUnprocessableEntity, "Choose at least one file.", `value="Harbour"`, `value="27100"`, `value="plugins"`,
		`name="start" value="yes" checked`)
	if to := b.get("/servers/new/content").header.Get("Location"); to != "/servers/new" {
		t.Errorf("the form's address redirects to %q", to)
	}
}

func TestDuplicatePageLeavesPasswordsOut(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "plugins", Kind: left4me.FilesOverlay})
	v := left4me.Server{Name: "alpha", Overlays: left4me.Refs("plugins"), Settings: left4me.Settings{
		Hostname: "Harbour", Password: "s3cret", Cfg: []string{"sv_alltalk 1", "sv_password hush"},
	}}
	must(s.servers.Create(t.Context(), left4me.ByUser("tester"), v))(t)
	b := s.as(t, "admin")
	b.get("/servers/alpha").has(t, http.StatusOK, `href="/servers/new?from=alpha"`)
	p := b.get("/servers/new?from=alpha")
	p.has(t, http.StatusOK, "Duplicate alpha", `value="alpha-2"`, `value="Harbour"`, `value="plugins"`, "sv_alltalk 1",
		"The passwords of alpha are not copied.", `href="/servers/new?from=alpha&amp;passwords=yes"`)
	p.hasNot(t, "s3cret", "hush")
	b.get("/servers/new?from=alpha&passwords=yes").has(t, http.StatusOK, "s3cret", "sv_password hush",
		"The passwords of alpha are copied too.")
	b.get("/servers/new?from=none").has(t, http.StatusNotFound)
	s.as(t, "guest").get("/servers/alpha").hasNot(t, "from=alpha")
}

// Exactly the servers that the page showed are created.
func TestSeveralServersFromBlueprint(t *testing.T) {
	s := newSite(t, false)
	must(s.content.Blueprints().Create(t.Context(), left4me.ByUser("tester"), left4me.Blueprint{Name: "versus"}))(t)
	b := s.as(t, "admin")
	b.get("/blueprints/versus").has(t, http.StatusOK, `href="/blueprints/versus/servers"`)
	b.get("/blueprints/versus/servers").has(t, http.StatusOK, `value="versus-#"`, `value="versus-1:27015 versus-2:27016"`)
	fields := []string{"count", "3", "names", "v#", "first_port", "27100", "start", "yes"}
	b.post("/blueprints/versus/servers", append(fields, "do", "plan")...).has(t, http.StatusOK,
		`value="v1:27100 v2:27101 v3:27102"`, `name="start" value="yes" checked`)
	s.addServer(t, "v2")
	p := b.post("/blueprints/versus/servers", append(fields, "planned", "v1:27100 v2:27101 v3:27102")...)
	p.has(t, http.StatusConflict, "Names or ports have changed.", `value="v1:27100 v3:27101 v4:27102"`)
	if n := len(must(s.servers.List(t.Context()))(t)); n != 1 {
		t.Fatalf("%d servers", n)
	}
	p = b.post("/blueprints/versus/servers", append(fields, "planned", "v1:27100 v3:27101 v4:27102")...)
	if to := p.header.Get("Location"); to != "/servers?q=versus" {
		t.Fatalf("redirected to %q: %s", to, p.body)
	}
	v := must(s.servers.Get(t.Context(), "v4"))(t)
	if v.Port != 27102 || v.Blueprint != "versus" || v.Job == nil {
		t.Errorf("v4: %+v", v)
	}
	b.post("/blueprints/versus/servers", "count", "99", "names", "A", "first_port", "x").has(t, http.StatusUnprocessableEntity,
		`href="#count"`, `href="#first_port"`)
	s.as(t, "guest").get("/blueprints/versus/servers").has(t, http.StatusForbidden)
}

// Browsers without scripts send files with the form. The overlay is published before the form is shown again.
func TestContentIsAddedWithoutScripts(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	s.host.overlays.plan = left4me.Plan{Title: "Newcomer Harbour", Count: 1}
	s.host.overlays.campaigns = []left4me.Campaign{{
		Overlay: "newcomer-harbour", ID: "harbour", Title: "Newcomer Harbour",
		Modes: map[string][]left4me.Chapter{"coop": {{Map: "nh1_quay"}, {Map: "nh2_pier"}}},
	}}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := errors.Join(form.WriteField("hostname", "Harbour"), form.WriteField("start", "yes")); err != nil {
		t.Fatal(err)
	}
	_, _ = must(form.CreateFormFile("file", `C:\Users\x\nh.vpk`))(t).Write([]byte("VPK"))
	form.Close()
	answer := make(chan page)
	go func() {
		answer <- b.do(http.MethodPost, "/servers/new/content", body.String(), "Content-Type", form.FormDataContentType(),
			"Sec-Fetch-Site", "same-origin")
	}()
	d := s.host.next(t)
	s.host.overlays.has(left4me.Content{Name: "newcomer-harbour", Current: 1, Revisions: []left4me.Revision{{Number: 1, Files: 1}}})
	s.host.report(t, d, left4me.JobDone, nil)
	p := <-answer
	p.has(t, http.StatusOK, "newcomer-harbour was added: Newcomer Harbour, 2 chapters.", `name="made" value="newcomer-harbour"`,
		`name="overlay" value="newcomer-harbour"`, `value="nh1_quay"`, `value="Harbour"`, `name="start" value="yes" checked`)
}

// A published overlay that nobody uses leads to a new server and to the stacks of others.
func TestPublishedOverlayOffersUses(t *testing.T) {
	s := newSite(t, false)
	s.overlay(t, left4me.Overlay{Name: "maps", Kind: left4me.FilesOverlay})
	s.addServer(t, "alpha")
	b := s.as(t, "admin")
	b.get("/overlays/maps").has(t, http.StatusOK, `href="/servers/new?overlay=maps"`, `href="/overlays/maps/settings#overlay-use"`)
	b.get("/overlays/maps/settings").has(t, http.StatusOK, `href="/servers/alpha/settings?add=maps"`, `href="/blueprints/default?add=maps"`)
	b.get("/servers/new?overlay=maps").has(t, http.StatusOK, `name="overlay" value="maps"`)
	b.get("/servers/alpha/settings?add=maps").has(t, http.StatusOK, `name="overlay" value="maps"`)
	b.get("/blueprints/default?add=maps").has(t, http.StatusOK, `name="overlay" value="maps"`)
}

// The form names overlays from the recipe that adds what is missing, and keeps its values otherwise.
func TestMissingSourceModIsAddedFromTheForm(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	lacks := func(context.Context, string, []byte) (any, error) {
		return []left4me.Warning{left4me.NewWarning(left4me.WarnNoSourceMod, "a.smx", "stack.no_sourcemod")}, nil
	}
	if err := s.bus.Answer(t.Context(), bus.Command(left4me.LocalHost, bus.VerbClashes), lacks); err != nil {
		t.Fatal(err)
	}
	form := func(button string) string {
		p := b.post("/servers/new", "name", "alpha", "overlay", "plugins", "stack", button)
		p.has(t, http.StatusOK, "The overlays contain SourceMod plugins but no SourceMod", `value="alpha"`)
		_, stack, _ := strings.Cut(p.body, `id="overlays"`)
		stack, _, _ = strings.Cut(stack, "</details>")
		return stack
	}
	if got := form("blueprint"); !strings.Contains(got, `recipe=sourcemod" target="_blank"`) {
		t.Errorf("the overlays are %s", got)
	}
	recipe := must(overlays.FindRecipe("sourcemod"))(t)
	s.overlay(t, left4me.Overlay{Name: "sm", Kind: left4me.ScriptOverlay, Script: &left4me.Script{Text: recipe.Script}})
	if got := form("blueprint"); !strings.Contains(got, `value="add:sm"`) || strings.Contains(got, "recipe=sourcemod") {
		t.Errorf("the overlays are %s", got)
	}
	if got := form("add:sm"); !strings.Contains(got, `name="overlay" value="sm"`) {
		t.Errorf("the overlays are %s", got)
	}
}

// Browsers send the name of a chosen file with the form, also if the file was not uploaded.
func TestServerIsNotCreatedWithoutChosenFile(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	b.post("/servers/new", "name", "alpha", "blueprint", "default", "file", "nh.vpk").has(t, http.StatusUnprocessableEntity,
		"nh.vpk was not uploaded.", `value="alpha"`)
	if n := len(must(s.servers.List(t.Context()))(t)); n != 0 {
		t.Fatalf("%d servers", n)
	}
	p := b.post("/servers/new", "name", "alpha", "blueprint", "default", "file", "")
	if to := p.header.Get("Location"); to != "/servers/alpha?created=yes" {
		t.Errorf("redirected to %q: %s", to, p.body)
	}
}

// An abandoned upload of the form can only be discarded: its overlay does not exist.
func TestAbandonedUploadOfNewServerCanBeDiscarded(t *testing.T) {
	s := newSite(t, false)
	b := s.as(t, "admin")
	p := b.do(http.MethodPost, "/servers/new/uploads?file=nh.vpk", "", "X-Left4me", "live", "Sec-Fetch-Site", "same-origin")
	p.has(t, http.StatusCreated, `"base":"/overlays/nh/uploads"`)
	id := regexp.MustCompile(`"id":"(\w+)"`).FindStringSubmatch(p.body)[1]
	b.do(http.MethodPut, "/overlays/nh/uploads/"+id+"/file?path=nh.vpk&size=9&offset=0", "VPK", "X-Left4me", "live",
		"Sec-Fetch-Site", "same-origin").has(t, http.StatusOK)
	p = b.get("/uploads")
	p.has(t, http.StatusOK, "nh.vpk", "for a new server", `action="/uploads/`+id+`/drop"`)
	p.hasNot(t, "for nh", "/overlays/nh/upload")
	b.do(http.MethodPost, "/overlays/nh/uploads/"+id+"/drop", "", "X-Left4me", "live", "Sec-Fetch-Site", "same-origin")
	b.get("/uploads").has(t, http.StatusOK, "No unpublished uploads")
}
