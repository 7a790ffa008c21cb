// Package left4me_test checks the rules that apply to the whole repository.
package left4me_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module  = "github.com/left4me/left4me"
	apitype = "api/apitype"
)

var update = flag.Bool("update", false, "write docs/linked-modules.txt anew")

// mayImport defines the direction of imports: for the first part of a package's path, without
// internal/, the first parts of the packages of ours that it may import. A package may always import
// packages of its own part, except for those in independent. The types of the API are a part of their own, so
// that its clients import nothing else of the API.
var mayImport = map[string][]string{
	"left4me":     {"bytesize", "locale"},
	"source":      {},
	"steam":       {},
	"deploy":      {},
	"httpserver":  {"left4me"},
	"unixsock":    {},
	"hostfs":      {},
	"sleep":       {},
	"requestid":   {},
	"bytesize":    {},
	"locale":      {"bytesize"},
	"durable":     {},
	"mountinfo":   {},
	"charset":     {},
	"periodic":    {},
	"lifecycle":   {},
	"syscalltest": {},
	"disk":        {"left4me", "periodic"},
	"gametext":    {"left4me"},
	"bus":         {"left4me", "periodic", "disk"},
	"store":       {"left4me", "disk"},
	"control":     {"left4me", "periodic", "store", "bus", "disk", "gametext", "charset", "hostfs"},
	"host":        {"left4me", "periodic", "bus", "disk", "gametext", "charset", "unixsock", "hostfs", "source", "steam", "deploy"},
	apitype:       {"left4me"},
	"api":         {"left4me", apitype, "httpserver", "control", "disk"},
	"web":         {"left4me", "locale", "httpserver", "control", "disk"},
	"cli":         {"left4me", apitype},
	"cmd": {
		"left4me", "lifecycle", "unixsock", "cli", "api", apitype, "web", "control", "store", "bus", "disk", "host", "source", "steam",
	},
	"sim": {"source"},
	"test": {
		"left4me", "charset", "cli", "api", apitype, "web", "control", "store", "bus", "disk", "host", "source", "steam", "sim", "cmd",
	},
	"": {"left4me", "locale"}, // this test
}

// shared lists the parts that import no other part and that all others may import, except left4me
// and source.
var shared = []string{"sleep", "bytesize", "durable", "mountinfo", "requestid"}

// inTests lists what tests of a part, and test packages, whose names end in test, may import in
// addition: they use a real store, a real bus or a simulated game.
var inTests = map[string][]string{
	"control":   {"host", "lifecycle"},
	"api":       {"store", "bus", "host", "lifecycle"},
	"web":       {"store", "bus", "host", "api", apitype, "lifecycle"},
	"cmd":       {"sim"},
	"durable":   {"disk", "syscalltest"},
	"mountinfo": {"disk"},
	"host":      {"sim", "syscalltest"},
	"steam":     {"sim"},
	"cli":       {"api", "control", "store", "bus", "disk"},
}

// independent lists the parts whose packages must not import each other, so that a user of one format depends
// on that format only.
var independent = []string{"source"}

// exceptions lists the exceptions to independent: source/addon reads add-ons, which are archives (vpk) that
// contain texts (vdf).
var exceptions = map[string][]string{module + "/source/addon": {module + "/source/vdf", module + "/source/vpk"}}

// severalImporters may be imported by any package, like the standard library.
var severalImporters = []string{
	"golang.org/x/sys",              // system calls
	"golang.org/x/text",             // Unicode tables and code pages
	"github.com/klauspost/compress", // zstd of backups and of imported archives
	"golang.org/x/sync",             // errgroup in every Run that starts goroutines
	"github.com/spf13/cobra",        // cli has the commands that use the API, cmd the local ones
}

// onePart lists the modules that several packages of one part may import.
var onePart = map[string]string{
	"github.com/a-h/templ": "web", // each part of the panel has templates
}

// notInLeft4me lists what package left4me, shared by both sides, must not import.
var notInLeft4me = []string{"os", "net", "syscall", "io/fs", "io/ioutil", "database", "log", "plugin", "math/rand", "crypto/rand"}

// pkg is a package as printed by `go list -json`.
type pkg struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Module       *struct{ Path string }
}

// listed caches the results of list by their arguments.
var listed = map[string][]pkg{}

// list runs `go list -json` with the given arguments, once for each combination.
func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	asked := strings.Join(args, " ")
	if all, ok := listed[asked]; ok {
		return all
	}
	cmd := exec.Command("go",
		append([]string{"list", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Module"},
			args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			listed[asked] = all
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// part returns the first part of the path of one of our packages, without internal/. ok reports whether
// the package is ours.
func part(path string) (name string, ok bool) {
	if path == module {
		return "", true
	}
	rest, ok := strings.CutPrefix(path, module+"/")
	rest = strings.TrimPrefix(rest, "internal/")
	if rest == apitype {
		return apitype, ok
	}
	name, _, _ = strings.Cut(rest, "/")
	return name, ok
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range list(t, "./...") {
		from, _ := part(p.ImportPath)
		allowed, known := mayImport[from]
		if !known {
			t.Errorf("%s: list the permitted imports of packages in %s in mayImport", p.ImportPath, from)
			continue
		}
		check := func(imports, allowed []string) {
			for _, i := range imports {
				to, ours := part(i)
				inside := to == from &&
					(!slices.Contains(independent, from) || i == p.ImportPath || slices.Contains(exceptions[p.ImportPath], i))
				if ours && !inside && !slices.Contains(allowed, to) {
					t.Errorf("%s must not import %s", p.ImportPath, i)
				}
			}
		}
		if from != "left4me" && from != "source" {
			allowed = slices.Concat(allowed, shared)
		}
		more := slices.Concat(allowed, inTests[from])
		if strings.HasSuffix(p.ImportPath, "test") {
			allowed = more
		}
		check(p.Imports, allowed)
		check(slices.Concat(p.TestImports, p.XTestImports), more)
	}
}

// busUsers lists the packages of a host that may import the bus. All others are linked without it,
// so that their tests, and the processes these start, begin sooner.
var busUsers = []string{"host/agent", "host/content/build", "host/job"}

func TestHostPackagesDoNotImportBus(t *testing.T) {
	const ours = module + "/internal/"
	for _, p := range list(t, "./internal/host/...") {
		name := strings.TrimPrefix(p.ImportPath, ours)
		if slices.Contains(busUsers, name) {
			continue
		}
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if to := strings.TrimPrefix(i, ours); to == "bus" || slices.Contains(busUsers, to) {
				t.Errorf("%s must not import %s, which links a NATS server: move what both need to package left4me", name, to)
			}
		}
	}
}

func TestPackageLeft4meDoesNoIO(t *testing.T) {
	for _, p := range list(t, "./internal/left4me") {
		for _, i := range p.Imports {
			for _, no := range notInLeft4me {
				if i == no || strings.HasPrefix(i, no+"/") {
					t.Errorf("package left4me must not import %s: it does no I/O", i)
				}
			}
		}
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if clock := regexp.MustCompile(`time\.(Now|Since|Until|After|Sleep|New\w+)\(`).Find(text); clock != nil {
				t.Errorf("%s: package left4me must not use the clock: %s", name, clock)
			}
		}
	}
}

func TestEachModuleHasOneImporter(t *testing.T) {
	moduleOf := map[string]string{}
	for _, p := range list(t, "-deps", "./...") {
		if p.Module != nil {
			moduleOf[p.ImportPath] = p.Module.Path
		}
	}
	importers := map[string][]string{}
	for _, p := range list(t, "./...") {
		if from, _ := part(p.ImportPath); from == "sim" || from == "test" {
			continue // not part of any installed program
		}
		for _, i := range p.Imports {
			m := moduleOf[i]
			if m != "" && m != module && !slices.Contains(importers[m], p.ImportPath) {
				importers[m] = append(importers[m], p.ImportPath)
			}
		}
	}
	if len(importers) == 0 {
		t.Fatal("found no module: the test checks nothing")
	}
	for m, by := range importers {
		elsewhere := func(path string) bool {
			from, _ := part(path)
			return from != onePart[m]
		}
		if len(by) > 1 && !slices.Contains(severalImporters, m) && slices.ContainsFunc(by, elsewhere) {
			t.Errorf("module %s is imported by %s: import it in one package only", m, strings.Join(by, " and "))
		}
	}
}

// An installed program must not contain what only tests and demos need, and the helper that runs as
// root must stay as small as possible.
func TestProgramsDoNotLinkTestCode(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/...") {
		if from, ours := part(p.ImportPath); ours && (from == "sim" || from == "test") || p.ImportPath == "testing" {
			t.Errorf("a program links %s", p.ImportPath)
		}
	}
	for _, p := range list(t, "-deps", "./cmd/left4me-overlay") {
		if p.Module != nil && p.Module.Path != module && p.Module.Path != "golang.org/x/sys" {
			t.Errorf("left4me-overlay, which runs as root, links %s", p.ImportPath)
		}
	}
}

func TestEveryPackageHasDocComment(t *testing.T) {
	for _, p := range list(t, "./...") {
		if !documented(t, p) {
			t.Errorf("%s has no doc comment", p.ImportPath)
		}
	}
}

// documented parses the files, because go list accepts any comment as documentation.
func documented(t *testing.T, p pkg) bool {
	t.Helper()
	for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if text := f.Doc.Text(); strings.HasPrefix(text, "Package ") || strings.HasPrefix(text, "Command ") {
			return true
		}
	}
	return false
}

// With this list, the diff of a change shows which modules everyone will have to download and trust.
func TestLinkedModulesAreListed(t *testing.T) {
	const file = "docs/linked-modules.txt"
	var modules []string
	for _, p := range list(t, "-deps", "./cmd/left4me") {
		if p.Module != nil && p.Module.Path != module {
			modules = append(modules, p.Module.Path)
		}
	}
	slices.Sort(modules)
	now := strings.Join(slices.Compact(modules), "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(listed), now); d != "" {
		t.Errorf("%s does not list what left4me links; run go test . -update\n%s", file, d)
	}
}

// A *sql.Tx remains usable after SQLite has rolled it back; see store/transaction.go.
func TestOnlyStoreUsesTransactions(t *testing.T) {
	found := false
	transaction := regexp.MustCompile(`\bsql\.Tx\b|\.BeginTx\(|\.Begin\(\)`)
	for _, p := range list(t, "./...") {
		for _, name := range p.GoFiles {
			file := filepath.Join(p.Dir, name)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte("Tx")) && !bytes.Contains(text, []byte(".Begin()")) {
				continue // save seconds of matching with the race detector
			}
			if use := transaction.Find(text); use != nil {
				found = true
				if !strings.HasSuffix(file, "/store/transaction.go") {
					t.Errorf("%s uses %s: use the transaction type of store", file, use)
				}
			}
		}
	}
	if !found {
		t.Error("found no transaction: the test checks nothing")
	}
}

// mayWatch lists the packages that may call a watcher, with the reason. A watcher reports that
// something is new and drops changes that were not received in time. Code that must not miss a change reads
// events with a reader of control/events.
var mayWatch = map[string]string{
	"internal/web/page":           "pages that are open",
	"internal/web/overlays/files": "a page that waits for its job",
	"internal/api":                "event streams",
	"internal/control/servers":    "its own watchers are told of jobs, too",
	"internal/control/game":       "its own watchers are told of jobs, too; empty servers wake its rollouts before their time",
	"internal/control/bulk":       "empty servers and ended jobs wake its acts before their time",
	"internal/control/newoverlay": "a request that waits for its job",
	"internal/control/overlays":   "empty servers wake its rollouts before their time",
}

func TestOnlyListedPackagesUseWatchers(t *testing.T) {
	calls := map[string]*regexp.Regexp{
		"jobs":    regexp.MustCompile(`\bWatchAll\(|\b[jJ]obs\.Watch\(`),
		"servers": regexp.MustCompile(`\b[sS](ervers|rv)\.Watch\(`),
	}
	declaration := regexp.MustCompile(`(?m)^func .*$`)
	found := map[string]bool{}
	for _, p := range list(t, "./...") {
		dir := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte("Watch")) {
				continue // save seconds of matching with the race detector
			}
			text = declaration.ReplaceAll(text, nil) // declarations of the watchers themselves
			for of, call := range calls {
				if !call.Match(text) {
					continue
				}
				found[dir] = true
				if mayWatch[dir] == "" {
					t.Errorf("%s/%s watches %s: use a reader of control/events if nothing may be missed", dir, name, of)
				}
			}
		}
	}
	for dir := range mayWatch {
		if !found[dir] {
			t.Errorf("%s uses no watcher: remove it from the list", dir)
		}
	}
}

// The panel's handlers get the objects named in a request path from page.Objects, which has checked the
// rights on them. Only the assets, which need no rights, read a path as well.
func TestPanelReadsPathsOnlyWithRightsCheck(t *testing.T) {
	found := false
	for _, p := range list(t, "./internal/web/...") {
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte(".PathValue(")) {
				continue
			}
			found = true
			if file := strings.TrimPrefix(p.ImportPath, module+"/internal/") + "/" + name; file != "web/page/objects.go" &&
				file != "web/page/stream_shared.go" && file != "web/assets.go" {
				t.Errorf("%s reads the path of a request: use page.Objects", file)
			}
		}
	}
	if !found {
		t.Error("found no access to a path: the test checks nothing")
	}
}

// rawErrors lists files of the panel that may read errors directly: web/page does it for all others,
// and the rest handles only what a user has just typed.
var rawErrors = []string{"web/page/", "web/format/errors.go", "web/settings/form.go"}

// An error may name objects that its reader may not see. Public and ProblemsOf of web/page hide them;
// left4me.Public does not.
func TestPanelHidesForbiddenNamesInErrors(t *testing.T) {
	found := false
	for _, s := range sources(t) {
		file, ok := strings.CutPrefix(s.path, "internal/")
		if !ok || s.test() || !strings.HasPrefix(file, "web/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Public" && sel.Sel.Name != "Shown" {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); !ok || x.Name != "left4me" {
				return true
			}
			if slices.ContainsFunc(rawErrors, func(raw string) bool { return strings.HasPrefix(file, raw) }) {
				found = true
			} else {
				t.Errorf("%s: use page.Public or page.ProblemsOf", s.fset.Position(n.Pos()))
			}
			return true
		})
	}
	if !found {
		t.Error("found no use of left4me.Public: the test checks nothing")
	}
}

// The host of an object comes from the object or from the list of hosts, because there may be several.
// Only cmd/left4me knows which host it runs on.
func TestOnlyProgramUsesLocalHost(t *testing.T) {
	found := false
	for _, s := range sources(t) {
		if s.test() || strings.HasSuffix(filepath.Dir(s.path), "test") || s.path == "internal/left4me/name.go" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "LocalHost" {
				if filepath.Dir(s.path) == "cmd/left4me" {
					found = true
				} else {
					t.Errorf("%s uses left4me.LocalHost: use the host of the object, or control/hosts", s.path)
				}
			}
			return true
		})
	}
	if !found {
		t.Error("cmd/left4me does not use LocalHost: the test checks nothing")
	}
}

// SQLite is translated from C for one version of libc; with another version it compiles but may be
// wrong.
func TestLibcVersionMatchesSQLite(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	const libc = "modernc.org/libc"
	theirs := required(t, filepath.Join(strings.TrimSpace(string(dir)), "go.mod"), libc)
	if ours := required(t, "go.mod", libc); ours == "" || ours != theirs {
		t.Errorf("go.mod requires %s %q, modernc.org/sqlite requires %q", libc, ours, theirs)
	}
}

// required returns the version of a module in a go.mod file.
func required(t *testing.T, file, path string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(f) >= 2 && f[0] == path {
			return f[1]
		}
	}
	return ""
}

// systemCallers lists files of control, api and web that make system calls unrelated to files of a
// host.
var systemCallers = []string{"internal/api/peer.go"} // identity of the peer of the local socket

// Hosts may be other machines, so their files are accessed through hostfs.
func TestControlOpensNoFilesOnHosts(t *testing.T) {
	var found []string
	for _, s := range sources(t) {
		side, _ := part(module + "/" + s.path)
		if s.test() || side != "control" && side != "api" && side != "web" || strings.Contains(s.path, "test/") {
			continue
		}
		for _, i := range s.file.Imports {
			switch path := strings.Trim(i.Path.Value, `"`); {
			case path != "os" && path != "io/ioutil" && path != "syscall" && path != "golang.org/x/sys/unix":
			case slices.Contains(systemCallers, s.path):
				found = append(found, s.path)
			default:
				t.Errorf("%s imports %s: access files on hosts through hostfs", s.path, path)
			}
		}
	}
	if d := cmp.Diff(systemCallers, slices.Compact(found)); d != "" {
		t.Errorf("files that make system calls: %s", d)
	}
}
