package workshop_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/workshop"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/steamapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a simulated Steam and the cache of a host.
type shop struct {
	*steamapi.Server
	url, dir string
	revision int // number of the revision that build publishes
	before   *workshop.Before
	progress []left4me.Progress
	lines    []string
}

func open(t *testing.T, items map[string]steamapi.Item) *shop {
	t.Helper()
	s := &shop{Server: steamapi.New(steamapi.State{Items: items}), dir: t.TempDir()}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// source returns a Source without cached answers; only the download cache may have files.
func (s *shop) source(t *testing.T) *workshop.Source {
	t.Helper()
	d, err := download.New(download.Options{Allow: []string{strings.TrimPrefix(s.url, "http://")}, Attempts: 2, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return workshop.New(workshop.Options{
		Dir:       filepath.Join(s.dir, "workshop_cache"),
		API:       s.url,
		Downloads: d,
		Pause:     time.Millisecond,
		Quiet:     time.Nanosecond,
	})
}

// build creates a revision, which the next build uses as the previous one.
func (s *shop) build(ctx context.Context, src *workshop.Source, w left4me.Workshop) (map[string]left4me.WorkshopState, error) {
	p, err := src.Ask(ctx, w, s.before)
	if err != nil {
		return nil, err
	}
	s.revision++
	s.progress, s.lines = nil, nil
	at := filepath.Join(s.dir, "overlay", strconv.Itoa(s.revision))
	states, err := src.Fetch(ctx, p, workshop.Into{
		Link: func(_ context.Context, path, file string) error {
			to := filepath.Join(at, path)
			return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Link(file, to))
		},
		Progress: func(n left4me.Progress) { s.progress = append(s.progress, n) },
		Print:    func(l string) { s.lines = append(s.lines, l) },
	})
	if err != nil {
		return nil, err
	}
	s.before = &workshop.Before{Items: states, File: func(p string) string { return filepath.Join(at, p) }}
	return byID(states), nil
}

func byID(states []left4me.WorkshopState) map[string]left4me.WorkshopState {
	m := map[string]left4me.WorkshopState{}
	for _, s := range states {
		m[string(s.ID)] = s
	}
	return m
}

// files returns the contents of addons in the last revision.
func (s *shop) files() map[string]string {
	m := map[string]string{}
	dir := filepath.Join(s.dir, "overlay", strconv.Itoa(s.revision), "left4dead2", "addons")
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		m[e.Name()] = string(b)
	}
	return m
}

// change modifies an item of the simulated Steam.
func (s *shop) change(id string, f func(*steamapi.Item)) {
	s.Change(func(st *steamapi.State) {
		it := st.Items[id]
		f(&it)
		st.Items[id] = it
	})
}

func of(ids ...left4me.WorkshopID) left4me.Workshop {
	var w left4me.Workshop
	for _, id := range ids {
		w.Entries = append(w.Entries, left4me.WorkshopEntry{ID: id})
	}
	return w
}

func campaigns() map[string]steamapi.Item {
	return map[string]steamapi.Item{
		"101": {Title: "Salt Flats", Filename: "myl4d2addons/salt_flats.vpk", Addon: "salt-flats", Scale: 0.1, Tags: []string{"Campaigns"}},
		"102": {Title: "Pine Ridge", Filename: "pine ridge 2.1.VPK", Addon: "pine-ridge", Scale: 0.1},
		"103": {Title: "Calm Director", Filename: "salt_flats.vpk", Addon: "calm-director", Scale: 0.1},
		"104": {Title: "Night Ferry", Filename: "夜.vpk", Addon: "night-ferry", Scale: 0.1},
		"201": {Title: "Friday", Children: []string{"101", "202", "103"}},
		"202": {Title: "More of it", Children: []string{"102", "201"}},
	}
}

func TestCollectionIsDownloaded(t *testing.T) {
	s := open(t, campaigns())
	src := s.source(t)
	w := of("201", "104")
	previewed, err := src.Preview(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	preview := byID(previewed)
	if c := preview["201"]; c.State != left4me.ItemCollection || c.Title != "Friday" ||
		!slices.Equal(c.Children, []left4me.WorkshopID{"101", "202", "103"}) {
		t.Errorf("collection: %+v", c)
	}
	if i := preview["102"]; i.State != left4me.ItemReady || i.Title != "Pine Ridge" || i.Size == 0 || i.Picture == "" ||
		!slices.Equal(i.Collections, []left4me.WorkshopID{"201"}) {
		t.Errorf("item: %+v", i)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "workshop_cache")); err == nil {
		t.Error("Preview downloaded something")
	}

	got, err := s.build(t.Context(), src, w)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, id := range []string{"101", "102", "103", "104"} {
		_, size, _ := s.Path(id)
		total += size
		i := got[id]
		if i.State != left4me.ItemFresh || i.File != "left4dead2/addons/"+id+".vpk" || i.Size != size || i.Text != "" ||
			int64(len(s.files()[id+".vpk"])) != size {
			t.Errorf("%+v, want %d bytes", i, size)
		}
	}
	if len(s.files()) != 4 || got["201"].State != left4me.ItemCollection {
		t.Errorf("%d files, states %+v", len(s.files()), got)
	}
	if last := s.progress[len(s.progress)-1]; last.Done != total || last.Total != total || last.Unit != "bytes" {
		t.Errorf("last progress = %+v, want %d bytes", last, total)
	}
	if len(s.lines) != 4 || !slices.Contains(s.lines, "101 Salt Flats: fresh") {
		t.Errorf("printed lines = %q", s.lines)
	}

	asked := len(s.Asked())
	got, err = s.build(t.Context(), src, w)
	if err != nil || got["101"].State != left4me.ItemKept || len(s.Asked()) != asked {
		t.Errorf("second build: %+v, %v, %d more requests", got["101"], err, len(s.Asked())-asked)
	}
	if _, times := s.Sent("101"); times != 1 {
		t.Errorf("downloaded %d times", times)
	}
	if previewed, err := src.Preview(t.Context(), w); err != nil || byID(previewed)["101"].State != left4me.ItemKept {
		t.Errorf("Preview after the build: %+v, %v", previewed, err)
	}
}

func TestItemStatesReflectSteamAndDownload(t *testing.T) {
	items := campaigns()
	for id, it := range map[string]steamapi.Item{
		"301": {Result: 9}, "302": {Visibility: 2}, "303": {Banned: true}, "304": {NoFile: true}, "305": {App: 730}, "306": {Result: 84},
		"307": {Result: 15},
		"308": {FileSize: 9 << 30},
		"309": {Data: []byte("PK\x03\x04 and so on")},
		"310": {Addon: "grey-smoke", FileSize: 10},
		"311": {Addon: "grey-smoke", Content: steamapi.Content{Status: 404}},
		"312": {Addon: "grey-smoke", Content: steamapi.Content{Status: 429}},
		"313": {Addon: "grey-smoke", Content: steamapi.Content{CutAfter: 20, NoRange: true}},
		"314": {Addon: "grey-smoke", Content: steamapi.Content{Redirect: "http://169.254.169.254/latest/"}},
		"315": {Addon: "grey-smoke", Content: steamapi.Content{Redirect: "loop"}},
		"316": {Zeros: 10, FileURL: "http://127.0.0.2:22/x"},
		"317": {Zeros: 10, FileURL: "https://10.1.2.3/x"},
		"318": {Data: []byte("<html> it is a page"), Addon: ""},
	} {
		items[id] = it
	}
	s := open(t, items)
	w := of("101")
	for id := range 18 {
		w.Entries = append(w.Entries, left4me.WorkshopEntry{ID: left4me.WorkshopID(strconv.Itoa(301 + id))})
	}
	w.Entries = append(w.Entries, left4me.WorkshopEntry{ID: "201"})
	w.Exclude = []left4me.WorkshopID{"103"}
	got, err := s.build(t.Context(), s.source(t), w)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][2]string{
		"101": {left4me.ItemFresh, ""}, "102": {left4me.ItemFresh, ""}, "103": {left4me.ItemExcluded, ""},
		"201": {left4me.ItemCollection, ""},
		"301": {left4me.ItemDeleted, "no such item"}, "302": {left4me.ItemPrivate, "friends"}, "303": {left4me.ItemBanned, "banned"},
		"304": {left4me.ItemNoFile, "no download address"}, "305": {left4me.ItemWrongApp, "another game"},
		"306": {left4me.ItemThrottled, "rate-limits"},
		"307": {left4me.ItemPrivate, "friends"}, "308": {left4me.ItemFailed, "GB"}, "309": {left4me.ItemFailed, "a ZIP archive, not a VPK"},
		"310": {left4me.ItemFailed, "instead of the expected 10"}, "311": {left4me.ItemFailed, "404"},
		"312": {left4me.ItemThrottled, "429"},
		"313": {left4me.ItemFailed, "interrupted several times"}, "314": {left4me.ItemFailed, "redirects to http://169.254.169.254"},
		"315": {left4me.ItemFailed, "too many redirects"},
		"316": {left4me.ItemFailed, "127.0.0.2"}, "317": {left4me.ItemFailed, "10.1.2.3"}, "318": {left4me.ItemFailed, "page of the web"},
	} {
		if i := got[id]; i.State != want[0] || !strings.Contains(i.Text, want[1]) || (want[1] == "") != (i.Text == "") ||
			(i.File != "") != (i.State == left4me.ItemFresh) {
			t.Errorf("item %s: got %+v, want state %s", id, i, want)
		}
	}
	if n := len(s.files()); n != 2 {
		t.Errorf("%d files", n)
	}
}

// The overlay keeps the previous version of an item that is unavailable, for any reason.
func TestUnavailableItemKeepsPreviousVersion(t *testing.T) {
	for name, k := range map[string]struct {
		change func(*steamapi.Item)
		state  string
		text   string
	}{
		"deleted":   {func(i *steamapi.Item) { i.Result = 9 }, left4me.ItemDeleted, "no such item"},
		"private":   {func(i *steamapi.Item) { i.Visibility = 2 }, left4me.ItemPrivate, "friends"},
		"banned":    {func(i *steamapi.Item) { i.Banned = true }, left4me.ItemBanned, ""},
		"no file":   {func(i *steamapi.Item) { i.NoFile = true }, left4me.ItemNoFile, ""},
		"throttled": {func(i *steamapi.Item) { i.Result = 84 }, left4me.ItemThrottled, ""},
		"truncated": {
			func(i *steamapi.Item) { i.Version, i.Content.CutAfter, i.Content.NoRange = 7, 100, true }, left4me.ItemFailed,
			"was interrupted",
		},
		"busy":       {func(i *steamapi.Item) { i.Version, i.Content.Status = 7, 503 }, left4me.ItemThrottled, "503"},
		"wrong size": {func(i *steamapi.Item) { i.Version, i.FileSize = 7, 5 }, left4me.ItemFailed, "instead of the expected 5"},
		"ZIP archive": {
			func(i *steamapi.Item) { i.Version, i.Addon, i.Data = 7, "", []byte("PK\x03\x04xxxxxxxxxx") }, left4me.ItemFailed,
			"ZIP",
		},
	} {
		for _, from := range []string{"revision", "cache"} {
			s := open(t, campaigns())
			if _, err := s.build(t.Context(), s.source(t), of("101", "104")); err != nil {
				t.Fatal(err)
			}
			want := s.files()
			if from == "revision" {
				os.RemoveAll(filepath.Join(s.dir, "workshop_cache"))
			} else {
				s.before = nil
			}
			s.change("101", k.change)
			got, err := s.build(t.Context(), s.source(t), of("101", "104"))
			if err != nil {
				t.Fatalf("%s: build: %v", name, err)
			}
			if i := got["101"]; i.State != k.state || !strings.Contains(i.Text, k.text) ||
				!strings.Contains(i.Text, "; the version of 2013-09-24 05:20 UTC stays in use") || i.File == "" ||
				i.Size != int64(len(want["101.vpk"])) {
				t.Errorf("%s, previous version from the %s: %+v", name, from, i)
			}
			if s.files()["101.vpk"] != want["101.vpk"] {
				t.Errorf("%s: the file was replaced", name)
			}
		}
	}
}

func TestUnreachableSteamKeepsPreviousItems(t *testing.T) {
	for name, k := range map[string]func(*steamapi.State){
		"429":       func(s *steamapi.State) { s.Status = 429 },
		"403":       func(s *steamapi.State) { s.Status = 403 },
		"result 84": func(s *steamapi.State) { s.Result = 84 },
		"HTML page": func(s *steamapi.State) { s.Body, s.Type = "<html>", "text/html" },
		"halfway":   func(s *steamapi.State) { s.Status, s.After = 429, 2 },
	} {
		s := open(t, campaigns())
		if _, err := s.build(t.Context(), s.source(t), of("201", "104")); err != nil {
			t.Fatal(err)
		}
		want := s.files()
		s.Change(k)
		got, err := s.build(t.Context(), s.source(t), of("201", "104"))
		if err != nil {
			t.Errorf("%s: build: %v", name, err)
			continue
		}
		if len(s.files()) != 4 || s.files()["102.vpk"] != want["102.vpk"] || !strings.Contains(got["102"].Text, "stays in use") ||
			got["102"].Title != "Pine Ridge" {
			t.Errorf("%s: %d files, %+v", name, len(s.files()), got["102"])
		}
		// Without a previous revision and cache, the build must fail.
		s.before = nil
		os.RemoveAll(filepath.Join(s.dir, "workshop_cache"))
		s.Change(func(st *steamapi.State) { st.After = 0; k(st); st.After = 0 })
		if _, err := s.build(t.Context(), s.source(t), of("201")); !errors.Is(err, left4me.Unavailable) {
			t.Errorf("%s, first build: got %v, want Unavailable", name, err)
		}
		if _, err := s.source(t).Preview(t.Context(), of("201")); name == "HTML page" && !errors.Is(err, left4me.Unavailable) {
			t.Errorf("%s, Preview: got %v, want Unavailable", name, err)
		}
	}
}

func TestBuildFailsIfNoItemIsAvailable(t *testing.T) {
	s := open(t, map[string]steamapi.Item{"1": {Result: 9}})
	if _, err := s.build(t.Context(), s.source(t), of("1", "2")); !errors.Is(err, left4me.Unavailable) ||
		!strings.Contains(err.Error(), "1: Steam lists no such item") {
		t.Error(err)
	}
	if _, err := s.build(t.Context(), s.source(t), left4me.Workshop{}); err != nil {
		t.Error(err)
	}
}

func TestNewVersionKeepsOldRevision(t *testing.T) {
	s := open(t, campaigns())
	if _, err := s.build(t.Context(), s.source(t), of("101")); err != nil {
		t.Fatal(err)
	}
	old := s.files()["101.vpk"]
	s.change("101", func(i *steamapi.Item) { i.Version++ })
	got, err := s.build(t.Context(), s.source(t), of("101"))
	if err != nil || got["101"].State != left4me.ItemFresh || s.files()["101.vpk"] == old {
		t.Errorf("new version: %+v, %v", got, err)
	}
	s.revision--
	if s.files()["101.vpk"] != old {
		t.Error("the previous revision has changed")
	}
	if all, _ := filepath.Glob(filepath.Join(s.dir, "workshop_cache/101/*")); len(all) != 2 {
		t.Errorf("cached versions: %v", all)
	}
}

func TestFrozenCollectionsAreNotRequested(t *testing.T) {
	s := open(t, campaigns())
	w := left4me.Workshop{Entries: []left4me.WorkshopEntry{{ID: "201", Frozen: []left4me.WorkshopID{"101", "104"}}}}
	got, err := s.build(t.Context(), s.source(t), w)
	if err != nil || len(s.files()) != 2 || got["104"].File == "" || got["201"].Title != "Friday" || len(got["201"].Children) != 2 {
		t.Errorf("frozen collection: %+v, %v", got, err)
	}
	for _, a := range s.Asked() {
		if strings.Contains(a, "GetCollectionDetails") {
			t.Errorf("requested %s for a frozen collection", a)
		}
	}
}

func TestOverlaysShareDownload(t *testing.T) {
	s := open(t, campaigns())
	s.change("101", func(i *steamapi.Item) { i.Content.Rate = 60_000 })
	src := s.source(t)
	var group sync.WaitGroup
	states := make([]string, 3)
	for n := range states {
		group.Go(func() {
			other := &shop{Server: s.Server, dir: filepath.Join(s.dir, strconv.Itoa(n))}
			got, err := other.build(t.Context(), src, of("101"))
			if err != nil {
				t.Error(err)
			}
			states[n] = got["101"].State
		})
	}
	group.Wait()
	slices.Sort(states)
	if want := []string{left4me.ItemFresh, left4me.ItemKept, left4me.ItemKept}; !slices.Equal(states, want) {
		t.Errorf("states of the item = %v", states)
	}
	_, size, _ := s.Path("101")
	if sent, times := s.Sent("101"); sent != size || times != 1 {
		t.Errorf("sent %d of %d bytes in %d requests", sent, size, times)
	}
}

// Refreshing 2,000 unchanged items needs few requests and no download.
func TestRefreshWithoutChangesIsCheap(t *testing.T) {
	items, children := map[string]steamapi.Item{}, []string{}
	for i := range 2000 {
		id := strconv.Itoa(10_000 + i)
		items[id], children = steamapi.Item{Title: fmt.Sprint("Item ", i), Filename: fmt.Sprintf("item%d.vpk", i)}, append(children, id)
	}
	items["9"] = steamapi.Item{Title: "All of it", Children: children}
	s := open(t, items)
	for _, id := range children { // files from an earlier refresh
		path, size, _ := s.Path(id)
		file := filepath.Join(s.dir, "workshop_cache", id, "1380000000-"+strings.Split(path, "/")[2]+".vpk")
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o751), os.WriteFile(file, make([]byte, size), 0o640)); err != nil {
			t.Fatal(err)
		}
	}
	src := s.source(t)
	got, err := s.build(t.Context(), src, of("9"))
	if err != nil || len(got) != 2001 || len(s.files()) != 2000 {
		t.Fatalf("%d states, %v", len(got), err)
	}
	if n := len(s.Asked()); n > 25 {
		t.Errorf("%d requests", n)
	} else {
		t.Logf("%d requests for 2,000 items with nothing new", n)
	}
	for _, id := range children {
		if _, times := s.Sent(id); times != 0 || got[id].State != left4me.ItemKept {
			t.Errorf("item %s: downloaded %d times, %+v", id, times, got[id])
		}
	}
	asked := len(s.Asked())
	if _, err := src.Preview(t.Context(), of("9")); err != nil || len(s.Asked()) != asked {
		t.Errorf("%v, %d requests", err, len(s.Asked())-asked)
	}
}

func TestCancelledBuildResumes(t *testing.T) {
	s := open(t, map[string]steamapi.Item{"1": {Zeros: 500_000, Content: steamapi.Content{Hang: 300_000, Times: 1}}})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("cancelled")
	done := make(chan error)
	go func() {
		_, err := s.build(ctx, s.source(t), of("1"))
		done <- err
	}()
	for part := int64(0); part < 300_000; {
		if parts, _ := filepath.Glob(filepath.Join(s.dir, "workshop_cache/1/*.part")); len(parts) == 1 {
			if info, err := os.Stat(parts[0]); err == nil {
				part = info.Size()
			}
		}
		time.Sleep(time.Millisecond)
	}
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Error(err)
	}
	_, size, _ := s.Path("1")
	if _, err := s.build(t.Context(), s.source(t), of("1")); err != nil {
		t.Fatal(err)
	}
	if sent, times := s.Sent("1"); sent != size || times != 2 {
		t.Errorf("sent %d of %d bytes in %d requests", sent, size, times)
	}
}

func TestFullDiskFailsBuild(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small disk needs root")
	}
	s := open(t, map[string]steamapi.Item{"1": {Zeros: 3 << 20}, "2": {Zeros: 30 << 20}})
	if err := unix.Mount("tmpfs", s.dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(s.dir, 0) })
	_, err := s.build(t.Context(), s.source(t), of("1", "2"))
	if !errors.Is(err, download.DiskFull) || !errors.Is(err, left4me.DiskFull) || !strings.Contains(err.Error(), "needed") {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "workshop_cache/2/*")); len(left) > 0 {
		t.Errorf("files left in the cache: %v", left)
	}
}
