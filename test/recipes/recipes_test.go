// Package recipes runs the recipes for script overlays in their sandbox, against local servers in
// place of the real download sites.
package recipes

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/host/content/script"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

func TestMain(m *testing.M) { os.Exit(shimtest.Main(m)) }

// site is the local download site and the directory in which recipes run.
type site struct {
	t       *testing.T
	url     string
	files   string // directory that is served
	builder script.Builder
	runs    int
}

func newSite(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	for _, tool := range []string{"curl", "bsdtar"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the recipes need %s: %v", tool, err)
		}
	}
	s := &site{t: t, files: t.TempDir()}
	server := httptest.NewServer(http.FileServer(http.Dir(s.files)))
	t.Cleanup(server.Close)
	s.url = server.URL
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "tmp"), 0o751); err != nil {
		t.Fatal(err)
	}
	s.builder = script.Builder{
		Root:    root,
		Machine: process.New(process.Config{Root: instance.Root(root), Run: filepath.Join(root, "run"), Exe: shimtest.Exe()}),
	}
	return s
}

// serve packs files, given as alternating paths and texts, into an archive that the site serves.
func (s *site) serve(name string, files ...string) []byte {
	s.t.Helper()
	dir := s.t.TempDir()
	for i := 0; i < len(files); i += 2 {
		s.write(filepath.Join(dir, files[i]), files[i+1])
	}
	to := filepath.Join(s.files, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if out, err := exec.Command("bsdtar", "-a", "-cf", to, "-C", dir, ".").CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a recipe with parameters NAME=value, filled in as the panel does it. It returns the
// files that the recipe created and its output.
func (s *site) run(id string, parameters ...string) (files []string, printed string, err error) {
	s.t.Helper()
	all := overlays.Recipes()
	i := slices.IndexFunc(all, func(r overlays.Recipe) bool { return r.ID == id })
	if i < 0 {
		s.t.Fatalf("no recipe named %s", id)
	}
	var head strings.Builder
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		if !slices.ContainsFunc(all[i].Parameters, func(p overlays.Parameter) bool { return p.Name == name }) {
			s.t.Fatalf("recipe %s has no parameter %s", id, name)
		}
		fmt.Fprintf(&head, "%s='%s'\n", name, value)
	}
	dir := s.t.TempDir()
	into, err := os.OpenRoot(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	defer into.Close()
	s.runs++
	var mu sync.Mutex
	var lines []string
	_, err = s.builder.Run(s.t.Context(), script.Job{
		ID: left4me.Name(fmt.Sprint("run", s.runs)), Overlay: "made", Script: head.String() + all[i].Script,
		Print: func(line string) { mu.Lock(); lines = append(lines, line); mu.Unlock() },
	}, into, func() bool { return false })
	werr := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(name, dir+"/"))
		}
		return err
	})
	if werr != nil {
		s.t.Fatal(werr)
	}
	return files, strings.Join(lines, "\n"), err
}

// makes runs a recipe that must succeed and create the files want.
func (s *site) makes(want, id string, parameters ...string) {
	s.t.Helper()
	files, printed, err := s.run(id, parameters...)
	if err != nil || strings.Join(files, " ") != want {
		s.t.Errorf("%s %q made %q, %v; want %s\n%s", id, parameters, files, err, want, printed)
	}
}

// fails runs a recipe that must fail and report the error want in its last line.
func (s *site) fails(want, id string, parameters ...string) {
	s.t.Helper()
	files, printed, err := s.run(id, parameters...)
	if err == nil || !strings.Contains(printed[strings.LastIndexByte(printed, '\n')+1:], want) || len(files) > 0 {
		s.t.Errorf("%s %q: %q, %v; want %q\n%s", id, parameters, files, err, want, printed)
	}
}

func TestSourceModRecipe(t *testing.T) {
	s := newSite(t)
	mm := s.serve("mm/1.12/mmsource-1.12.0-git1-linux.tar.gz", "addons/metamod.vdf", "x", "addons/metamod_x64.vdf", "x",
		"addons/metamod/bin/server.so", "x")
	s.serve("sm/1.13/sourcemod-1.13.0-git2-linux.tar.gz", "addons/sourcemod/bin/sourcemod.logic.so", "x", "cfg/sourcemod/sourcemod.cfg",
		"x")
	from := []string{
		"METAMOD_URL=" + s.url + "/mm", "SOURCEMOD_URL=" + s.url + "/sm", "METAMOD_VERSION=1.12.0-git1",
		"SOURCEMOD_VERSION=1.13.0-git2",
	}
	s.makes("left4dead2/addons/metamod/bin/server.so left4dead2/addons/metamod.vdf left4dead2/addons/sourcemod/bin/sourcemod.logic.so "+
		"left4dead2/cfg/sourcemod/sourcemod.cfg",
		"sourcemod", append(from, fmt.Sprintf("METAMOD_SHA256=%x", sha256.Sum256(mm)))...)
	s.fails("has another SHA-256 than 123", "sourcemod", append(from, "METAMOD_SHA256=123")...)
	s.fails("sourcemod-1.13.0-git3-linux.tar.gz can not be fetched", "sourcemod", append(from, "SOURCEMOD_VERSION=1.13.0-git3")...)
	s.fails("latest is no version", "sourcemod", append(from, "SOURCEMOD_VERSION=latest")...)
}

func TestL4DToolZRecipe(t *testing.T) {
	s := newSite(t)
	s.serve("2.0/l4dtoolz-2.0-7.zip", "x/l4dtoolz.so", "x", "x/l4dtoolz.vdf", "x", "README.md", "x")
	s.serve("2.1/l4dtoolz-2.1-7.zip", "README.md", "x")
	s.makes("left4dead2/addons/l4dtoolz.so left4dead2/addons/l4dtoolz.vdf", "l4dtoolz", "L4DTOOLZ_URL="+s.url, "L4DTOOLZ_VERSION=2.0",
		"L4DTOOLZ_BUILD=7")
	s.fails("the archive has no l4dtoolz.so", "l4dtoolz", "L4DTOOLZ_URL="+s.url, "L4DTOOLZ_VERSION=2.1", "L4DTOOLZ_BUILD=7")
}

func TestCompetitiveRecipe(t *testing.T) {
	s := newSite(t)
	s.serve("r/archive/v1.tar.gz", "r-1/addons/a.vdf", "x", "r-1/cfg/a.cfg", "x", "r-1/cfg/b/c.cfg", "x", "r-1/README.md", "x",
		"r-1/motd.txt", "x", "r-1/.gitignore", "x")
	s.serve("r/archive/v2.tar.gz", "r-2/README.md", "x")
	s.makes("left4dead2/addons/a.vdf left4dead2/cfg/a.cfg left4dead2/cfg/b/c.cfg left4dead2/motd.txt", "competitive",
		"REWORK_URL="+s.url+"/r", "REWORK_REF=v1")
	s.makes("left4dead2/addons/a.vdf left4dead2/cfg/a.cfg", "competitive", "REWORK_URL="+s.url+"/r", "REWORK_REF=v1",
		"REWORK_WITHOUT=cfg/b motd.txt")
	s.fails("leads out", "competitive", "REWORK_URL="+s.url+"/r", "REWORK_REF=v1", "REWORK_WITHOUT=../../log")
	s.fails("has no addons", "competitive", "REWORK_URL="+s.url+"/r", "REWORK_REF=v2")
	s.fails("can not be fetched", "competitive", "REWORK_URL="+s.url+"/r", "REWORK_REF=v3")
}

func TestMapListRecipe(t *testing.T) {
	s := newSite(t)
	s.serve("one two.7z", "one two.vpk", "1")
	s.serve("map2.1.7z", "map2.1.VPK", "22")
	s.serve("evil.7z", "evil.vpk", "1")
	sum := func(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) }
	list := func(lines ...string) string {
		s.write(filepath.Join(s.files, "index.csv"), "Name;Size;MD5;DownloadLink\r\n"+strings.Join(lines, "\r\n"))
		return "MAP_LIST_URL=" + s.url + "/index.csv"
	}
	good := list(
		"one two.vpk;1;"+sum("1")+";"+s.url+"/one two.7z",
		"map2.1.VPK;2;"+strings.ToUpper(sum("22"))+";"+s.url+"/map2.1.7z",
		"gone.vpk;1;"+sum("1")+";"+s.url+"/gone.7z",
	)
	s.makes("left4dead2/addons/map2_1.vpk left4dead2/addons/one two.vpk", "map-list", good, "MAPS=one* map2.1.VPK")
	s.fails("gone.7z can not be fetched", "map-list", good, "MAPS=*")
	s.fails("there is no other.vpk in the list", "map-list", good, "MAPS=one* other.vpk")
	s.fails("MAPS is empty", "map-list", good)
	s.fails("has the MD5", "map-list", list("evil.vpk;1;"+sum("2")+";"+s.url+"/evil.7z"), "MAPS=*")
	s.fails("has 1 bytes, and the list says 7", "map-list", list("evil.vpk;7;"+sum("1")+";"+s.url+"/evil.7z"), "MAPS=*")
	s.fails("is no name of a VPK", "map-list", list("../evil.vpk;1;"+sum("1")+";"+s.url+"/evil.7z"), "MAPS=*")
	s.fails("can not be read", "map-list", list("evil.vpk;1;x;file:///etc/passwd"), "MAPS=*")
}

func TestMapArchivesRecipe(t *testing.T) {
	s := newSite(t)
	s.serve("maps/one.zip", "deep/one.vpk", "1", "readme.txt", "x")
	s.serve("maps/empty.zip", "readme.txt", "x")
	s.write(filepath.Join(s.files, "two.b.vpk"), "2")
	s.write(filepath.Join(s.files, "maps/broken.zip"), "PK, no")
	from := "MAPS_URL=" + s.url + "/maps"
	s.makes("left4dead2/addons/one.vpk left4dead2/addons/two_b.vpk", "map-archives", from, "MAPS=one "+s.url+"/two.b.vpk")
	s.fails("there are two one.vpk", "map-archives", from, "MAPS=one one")
	s.fails("empty.zip has no VPK in it", "map-archives", from, "MAPS=empty")
	s.fails("broken.zip can not be unpacked", "map-archives", from, "MAPS=broken")
	s.fails("gone.zip can not be fetched", "map-archives", from, "MAPS=gone")
}

func TestBlankRecipe(t *testing.T) {
	s := newSite(t)
	s.write(filepath.Join(s.files, "x.cfg"), "x")
	s.makes("left4dead2/cfg/example.cfg", "blank")
	s.makes("left4dead2/cfg/example.cfg left4dead2/cfg/x.cfg", "blank", "FILE_URL="+s.url+"/x.cfg")
}
