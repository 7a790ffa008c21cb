package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// pagedLists are the lists that are arrays, each with example values in its path.
var pagedLists = []string{
	"/backups", "/blueprints", "/jobs?server=alpha", "/jobs", "/overlays", "/overlays/own/scripts", "/recipes", "/servers",
	"/servers/alpha/campaigns", "/servers/alpha/clashes", "/servers/alpha/crashes", "/tokens", "/uploads", "/users",
}

// nextLink is relative to the requested URL: a proxy may serve the API under another path.
var nextLink = regexp.MustCompile(`^<(\?[^>]+)>; rel="next"$`)

// entries requests one page of a list and returns its entries and the path of the next page.
func (s *site) entries(t *testing.T, path string) (all []json.RawMessage, next string) {
	t.Helper()
	a := s.call(t, "GET", path, nil)
	a.into(t, &all)
	if link := a.header.Get("Link"); link != "" {
		m := nextLink.FindStringSubmatch(link)
		if m == nil {
			t.Fatalf("%s: Link: %s", path, link)
		}
		asked, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		more, err := asked.Parse(m[1])
		if err != nil {
			t.Fatal(err)
		}
		next = more.String()
	}
	return all, next
}

// pages requests a whole list page by page.
func (s *site) pages(t *testing.T, path string, limit int) (all []json.RawMessage) {
	t.Helper()
	path += map[bool]string{false: "?", true: "&"}[strings.Contains(path, "?")] + fmt.Sprintf("limit=%d", limit)
	for n := 0; path != ""; n++ {
		page, next := s.entries(t, path)
		if len(page) > limit || next != "" && len(page) < limit || n > 100 {
			t.Fatalf("page %d at %s has %d entries, next %q", n, path, len(page), next)
		}
		all, path = append(all, page...), next
	}
	return all
}

func (s *site) fillLists(t *testing.T) {
	t.Helper()
	at := time.UnixMilli(1_700_000_000_000)
	s.host.set(func() {
		s.host.maps = []left4me.Campaign{{Title: "b"}, {Title: "a"}, {Title: "a"}}
		s.host.answers = map[string]any{
			bus.VerbBackups: []left4me.Backup{
				{Name: "c", State: left4me.BackupVerified, CreatedAt: at.Add(time.Hour)},
				{Name: "b", State: left4me.BackupVerified, CreatedAt: at},
				{Name: "a", State: left4me.BackupVerified, CreatedAt: at},
			},
			bus.VerbClashes: []left4me.Warning{{Text: "b"}, {Text: "a"}, {Text: "a"}},
		}
	})
	for i, name := range []string{"alpha", "beta", "gamma"} {
		s.create(t, name)
		s.call(t, "POST", "/api/v1/blueprints", map[string]any{"name": name}).into(t, &struct{}{})
		s.call(t, "POST", "/api/v1/overlays", map[string]any{"name": "files" + name, "kind": "files"}).into(t, &struct{}{})
		s.call(t, "POST", "/api/v1/overlays/files"+name+"/uploads", nil).into(t, &struct{}{})
		s.call(t, "POST", "/api/v1/tokens", map[string]any{"label": name}).into(t, &struct{}{})
		s.token(t, name+"s", false)
		crash := store.Crash{Host: left4me.LocalHost, Server: "alpha", At: at.Add(time.Duration(i) * time.Minute), Exit: name}
		if err := s.store.Crashes().Add(t.Context(), crash); err != nil {
			t.Fatal(err)
		}
	}
	script := map[string]any{"name": "own", "kind": "script", "script": map[string]any{"text": "true\n"}}
	s.call(t, "POST", "/api/v1/overlays", script).into(t, &struct{}{})
	delete(script, "name")
	for i := 1; i < 3; i++ {
		script["version"], script["script"] = i, map[string]any{"text": fmt.Sprintf("echo %d\n", i)}
		s.call(t, "PUT", "/api/v1/overlays/own", script).into(t, &struct{}{})
	}
	s.host.set(func() { s.host.work = true })
	for range 3 {
		var j struct{ ID string }
		s.call(t, "POST", "/api/v1/servers/alpha/start", nil).into(t, &j)
		eventually(t, "the job ends", func() bool {
			return strings.Contains(string(s.call(t, "GET", "/api/v1/jobs/"+j.ID, nil).body), `"state":"done"`)
		})
	}
}

func TestListsArePaged(t *testing.T) {
	s := newSite(t)
	s.fillLists(t)
	for _, list := range pagedLists {
		whole, next := s.entries(t, "/api/v1"+list)
		if len(whole) < 3 || next != "" {
			t.Errorf("%s: %d entries without a limit, next %q", list, len(whole), next)
		}
		for _, limit := range []int{1, 2, len(whole)} {
			if got := s.pages(t, "/api/v1"+list, limit); !reflect.DeepEqual(got, whole) {
				t.Errorf("%s in pages of %d: %s, want %s", list, limit, got, whole)
			}
		}
	}
	for query, location := range map[string]string{"limit=0": "query.limit", "limit=1001": "query.limit", "limit=x": "query.limit"} {
		s.call(t, "GET", "/api/v1/servers?"+query, nil).problem(t, http.StatusUnprocessableEntity, location)
	}
	s.call(t, "GET", "/api/v1/recipes?after=x", nil).problem(t, http.StatusUnprocessableEntity, "query.after")
}

// The last entry of a page may be deleted before the next page is requested.
func TestPageContinuesAfterDeletedEntry(t *testing.T) {
	s := newSite(t)
	s.fillLists(t)
	for _, list := range []string{"/blueprints", "/backups", "/users"} {
		whole, _ := s.entries(t, "/api/v1"+list)
		_, next := s.entries(t, "/api/v1"+list+"?limit=2")
		var second struct{ Name string }
		if err := json.Unmarshal(whole[1], &second); err != nil {
			t.Fatal(err)
		}
		if list == "/backups" {
			s.host.set(func() {
				all := s.host.answers[bus.VerbBackups].([]left4me.Backup)
				s.host.answers[bus.VerbBackups] = slices.Concat(all[:1], all[2:])
			})
		} else {
			s.call(t, "DELETE", "/api/v1"+list+"/"+second.Name, nil).into(t, &struct{}{})
		}
		if got, _ := s.entries(t, next); len(got) == 0 || !reflect.DeepEqual(got[0], whole[2]) {
			t.Errorf("%s after %s: got %s, want %s first", list, second.Name, got, whole[2])
		}
	}
}

// Users and their tokens are sorted ignoring case.
func TestPageContinuesAfterDeletedUserIgnoringCase(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"Bob", "carl", "Zoey"} {
		s.token(t, name, false)
	}
	next := map[string]string{}
	for _, list := range []string{"/users", "/tokens"} { // admin and Bob are first
		_, next[list] = s.entries(t, "/api/v1"+list+"?limit=2")
	}
	s.call(t, "DELETE", "/api/v1/users/Bob", nil).into(t, &struct{}{})
	for list, of := range map[string]string{"/users": "name", "/tokens": "user"} {
		var rest []map[string]any
		s.call(t, "GET", next[list], nil).into(t, &rest)
		if len(rest) != 2 || rest[0][of] != "carl" || rest[1][of] != "guest" {
			t.Errorf("%s after Bob: %v", list, rest)
		}
	}
}

// New lists answer with left4me.Page. Lists that are arrays must be paged by limit and Link, and
// pagedLists must contain them, so that TestListsArePaged covers them.
func TestEveryArrayIsPaged(t *testing.T) {
	for path, methods := range sub(readDescription(t, "openapi.json"), "paths") {
		op := sub(schema{"": methods}, "", "get")
		if sub(op, "responses", "200", "content", "application/json", "schema")["type"] != "array" {
			continue
		}
		asked := regexp.MustCompile("^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, `\w+`) + `(\?.*)?$`)
		if !slices.ContainsFunc(pagedLists, asked.MatchString) {
			t.Errorf("%s answers an array but is not in pagedLists", path)
		}
		if text, _ := op["description"].(string); !strings.Contains(text, "Link header") {
			t.Errorf("the description of %s does not mention pages", path)
		}
	}
}
