package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// oneFile sends the request that publishes a revision with one file.
func (s *site) oneFile(t *testing.T, token, overlay, query, text string) answer {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/octet-stream"}}
	return s.send(t, "PUT", "/api/v1/overlays/"+overlay+"/file?"+query, header, strings.NewReader(text))
}

func TestPutFilePublishesRevision(t *testing.T) {
	s := newSite(t)
	s.host.set(func() { s.host.work = false }) // the job must keep its spec
	a := s.oneFile(t, s.admin, "maps", "path=left4dead2/cfg/server.cfg&base=1&note=why", "hostname x\n")
	var j apitype.Job
	if a.status != http.StatusAccepted {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	a.into(t, &j)
	all, err := s.store.Jobs().List(t.Context(), "", "", "", 10)
	if err != nil || len(all) != 1 || all[0].ID != j.ID || all[0].Kind != left4me.BuildOverlay {
		t.Fatalf("got %+v, error %v", all, err)
	}
	var spec left4me.BuildSpec
	if err := json.Unmarshal(all[0].Spec, &spec); err != nil {
		t.Fatal(err)
	}
	c := spec.Change
	if spec.Note != "why" || spec.By != "admin" || c == nil || c.Base != 1 || !c.Import.Exact || !c.Once || c.Replace || len(c.Delete) > 0 {
		t.Fatalf("got %+v", spec)
	}
	b, err := os.ReadFile(filepath.Join(s.root, "tmp", "upload-"+c.Upload, "files", "left4dead2", "cfg", "server.cfg"))
	if err != nil || string(b) != "hostname x\n" {
		t.Errorf("got %q, error %v", b, err)
	}

	// A rejected request must not leave an upload behind.
	for query, want := range map[string]struct {
		status int
		field  string
	}{
		"path=../x": {http.StatusUnprocessableEntity, "query.path"}, "path=/etc/x": {http.StatusUnprocessableEntity, "query.path"},
		"path=": {http.StatusUnprocessableEntity, "query.path"}, "path=a&base=-2": {http.StatusUnprocessableEntity, "query.base"},
		"path=a&base=x": {http.StatusUnprocessableEntity, "query.base"},
	} {
		if a := s.oneFile(t, s.admin, "maps", query, "x"); a.status != want.status {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		} else {
			a.problem(t, want.status, want.field)
		}
	}
	s.oneFile(t, s.admin, "nothing", "path=a", "x").problem(t, http.StatusNotFound)
	s.oneFile(t, s.guest, "maps", "path=a", "x").problem(t, http.StatusForbidden)
	if a := s.call(t, "POST", "/api/v1/overlays",
		map[string]any{
			"name":     "items",
			"kind":     "workshop",
			"workshop": map[string]any{"entries": []map[string]any{{"id": "1"}}},
		}); a.status != http.StatusCreated {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	if a := s.oneFile(t, s.admin, "items", "path=a", "x"); a.status < 400 || a.status >= 500 {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	if a := s.oneFile(t, s.admin, "maps", "path=big.cfg", strings.Repeat("x", 8<<20)); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a file that is too large: %d %s", a.status, a.body)
	}
	if left, err := filepath.Glob(filepath.Join(s.root, "tmp", "upload-*")); err != nil || len(left) != 1 {
		t.Errorf("got %v, error %v", left, err)
	}
}

// A failure before the first byte of an archive is reported as a problem document. A later failure
// aborts the connection and is logged with the request id.
func TestDownloadFailureAbortsConnection(t *testing.T) {
	s := newSite(t)
	dir := filepath.Join(s.root, "overlays", "maps", "1")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "a.vpk"), make([]byte, 200<<10), 0o644)); err != nil {
		t.Fatal(err)
	}
	files := func(names ...string) left4me.Page[left4me.TreeFile] {
		var p left4me.Page[left4me.TreeFile]
		for _, n := range names {
			p.Items = append(p.Items, left4me.TreeFile{Path: n})
		}
		return p
	}
	tree := func(v any) {
		s.host.set(func() {
			s.host.answers = map[string]any{
				bus.VerbContent: left4me.Content{Name: "maps", Current: 1, Revisions: []left4me.Revision{{Number: 1}}}, bus.VerbTree: v,
			}
		})
	}
	const path = "/api/v1/overlays/maps/revisions/1/archive?format=tar"
	tree(left4me.NewError(left4me.Unavailable, "host.unreachable", "host", "local"))
	s.call(t, "GET", path, nil).problem(t, http.StatusServiceUnavailable)
	tree(files("gone", "a.vpk"))
	a := s.call(t, "GET", path, nil)
	a.problem(t, http.StatusNotFound)
	if a.header.Get("Content-Disposition") != "" {
		t.Errorf("got %v", a.header)
	}

	tree(files("a.vpk", "b.gone"))
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil))(t)
	r.Header = withToken(s.admin)
	r.Header.Set("X-Request-Id", "cut-in-the-middle")
	res := must(http.DefaultClient.Do(r))(t)
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || err == nil || len(text) == 0 {
		t.Errorf("%d, %d bytes, %v: want an aborted download", res.StatusCode, len(text), err)
	}
	if lines := s.on.Logged("request=cut-in-the-middle"); !slices.ContainsFunc(lines, func(line string) bool {
		return strings.Contains(line, "level=ERROR") && strings.Contains(line, "b.gone")
	}) {
		t.Errorf("the log has %q", lines)
	}
}
