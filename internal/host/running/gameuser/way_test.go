package gameuser_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ways are the methods of instance.Root that return paths the game's user can write to, and the names
// of these directories.
var ways = []string{"Upper", "Runtime", "Merged", "Home", "Logs", `"runtime"`, `"logs"`}

// mayKnow lists the functions below host that may name these directories, with the reason why that is
// safe. To read or list files in them, code must use this package.
var mayKnow = map[string]string{
	"agent/console.go:chunk":                     "shim.ReadLog, which reads through gameuser",
	"agent/crash_reports.go:publish":             "reads through gameuser",
	"agent/disk_watch.go:newDisks":               "the directories themselves, which are left4me's: nothing beneath is opened",
	"agent/game_update.go:publish":               "the installation's: no game has written there",
	"agent/server_stacks.go:open":                "package stack opens each layer through gameuser, and in it no link",
	"agent/layer_use.go:mounted":                 "compares a path with the table of mounts",
	"legacyfiles/adopt.go:Upper":                 "of the older left4me, while it is stopped; opened step by step without links",
	"backup/owner.go:of":                         "a word in the archive",
	"backup/format.go:partOf":                    "a word in the archive",
	"backup/restore.go:":                         "names what a restore replaces: nothing runs",
	"backup/walk.go:walk":                        "opens through gameuser",
	"diagnosis/doctor/mount.go:layStack":         "a root of its own",
	"diagnosis/doctor/mount.go:removeAll":        "a root of its own",
	"diagnosis/doctor/mount.go:useStack":         "a root of its own",
	"gamefiles/install/request.go:ProgressFile":  "the installation's: no game has written there",
	"gamefiles/install/run.go:Run":               "a word in an error",
	"gamefiles/install/run.go:work":              "the installation's: no game has written there",
	"running/instance/install.go:linkSDK":        "os.Root of runtime/NAME, which is left4me's; reads only links",
	"running/instance/install.go:sdk":            "makes a path that the game follows",
	"running/instance/install.go:PrepareInstall": "makes directories",
	"running/instance/install.go:DiscardInstall": "the installation's: no game has written there",
	"running/instance/instance.go:Runtime":       "makes a path",
	"running/instance/instance.go:Upper":         "makes a path",
	"running/instance/instance.go:Merged":        "makes a path",
	"running/instance/instance.go:Home":          "makes a path",
	"running/instance/instance.go:Logs":          "makes a path",
	"running/instance/remove.go:":                "names where servers have files",
	"running/instance/remove.go:GatherLogs":      "opens through gameuser",
	"running/instance/remove.go:RemoveRuntime":   "removes through gameuser",
	"running/instance/write.go:Names":            "lists runtime, which is left4me's",
	"running/instance/write.go:directories":      "makes directories",
	"running/instance/write.go:Exists":           "asks whether an entry of a directory of left4me's is there",
	"running/overlayfs/mount.go:mounted":         "opened beneath the root without links (the helper shares no code with host)",
	"running/overlayfs/mount.go:detach":          "as in mounted",
	"running/overlayfs/mount.go:clearWork":       "as in mounted",
	"running/overlayfs/plan.go:open":             "as in mounted",
	"running/overlayfs/plan.go:openMerged":       "as in mounted",
	"running/process/discard.go:Discard":         "removes through gameuser",
	"running/process/empty_upper.go:empty":       "removes through gameuser",
	"running/process/install.go:clearInstall":    "the installation's: no game has written there",
	"content/script/log.go:LogFile":              "logs/.builds, which only left4me writes",
	"running/shim/port.go:describe":              "compares a path of /proc with it",
	"running/shim/run.go:prepare":                "a word in an error",
	"running/shim/run.go:open":                   "openLogs, which opens through gameuser",
	"running/shim/game_runs.go:launch":           "where the game starts",
	"running/shim/filesystem_view.go:enclose":    "mounts the directories themselves, through no link at their end; reads nothing beneath",
	"running/shim/failure.go:Forget":             "compares a path of /proc with it",
	"running/systemd/unit.go:unmount":            "asks whether an entry is there",
	"gamefiles/steamcmd/steamcmd.go:Home":        "the home of SteamCMD",
	"gamefiles/steamcmd/update.go:hung":          "Steam's own directory",
}

func TestOnlyKnownFunctionsNameGameDirectories(t *testing.T) {
	known := map[string]bool{}
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
			strings.HasPrefix(name, "../../running/gameuser/") || strings.HasPrefix(name, "../../running/shim/shimtest/") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			in := strings.TrimPrefix(name, "../../") + ":"
			if f, ok := decl.(*ast.FuncDecl); ok {
				in += f.Name.Name
			} else if decl.(*ast.GenDecl).Tok == token.IMPORT {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				way := ""
				switch n := n.(type) {
				case *ast.FuncDecl:
					way = n.Name.Name
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.SelectorExpr); ok {
						way = f.Sel.Name
					}
				case *ast.BasicLit:
					way = n.Value
				}
				if slices.Contains(ways, way) {
					known[in] = true
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range slices.Sorted(maps.Keys(known)) {
		if mayKnow[in] == "" {
			t.Errorf("%s names a directory that the game's user may write to: read there through host/running/gameuser, and say in "+
				"mayKnow why it is safe", in)
		}
	}
	for _, in := range slices.Sorted(maps.Keys(mayKnow)) {
		if !known[in] {
			t.Errorf("%s names no such directory: take it out of mayKnow", in)
		}
	}
}
