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

// mayKnow lists the functions below host that may name the game's directories, with the reason why this
// is safe. To read or list files in them, code must use this package.
var mayKnow = map[string]string{
	"agent/console.go:chunk":                     "uses shim.ReadLog, which reads through gameuser",
	"agent/crash_reports.go:publish":             "reads through gameuser",
	"agent/disk_watch.go:newDisks":               "uses the directories themselves, which belong to left4me; opens nothing below them",
	"agent/game_update.go:publish":               "uses the installation's directories, to which no game writes",
	"agent/server_stacks.go:open":                "package stack opens each layer through gameuser and follows no links in it",
	"agent/layer_use.go:mounted":                 "compares a path with the mount table",
	"legacyfiles/adopt.go:Upper":                 "opens files of a stopped older left4me step by step without following links",
	"backup/owner.go:of":                         "a name within the archive",
	"backup/format.go:partOf":                    "a name within the archive",
	"backup/restore.go:":                         "names the directories that a restore replaces while no server runs",
	"backup/walk.go:walk":                        "opens through gameuser",
	"diagnosis/doctor/mount.go:layStack":         "uses a temporary root",
	"diagnosis/doctor/mount.go:removeAll":        "uses a temporary root",
	"diagnosis/doctor/mount.go:useStack":         "uses a temporary root",
	"gamefiles/install/request.go:ProgressFile":  "uses the installation's directories, to which no game writes",
	"gamefiles/install/run.go:Run":               "names the directory in an error",
	"gamefiles/install/run.go:work":              "uses the installation's directories, to which no game writes",
	"running/instance/install.go:linkSDK":        "uses an os.Root of runtime/NAME, which belongs to left4me; reads only links",
	"running/instance/install.go:sdk":            "returns a path that the game follows",
	"running/instance/install.go:PrepareInstall": "creates directories",
	"running/instance/install.go:DiscardInstall": "uses the installation's directories, to which no game writes",
	"running/instance/instance.go:Runtime":       "returns a path",
	"running/instance/instance.go:Upper":         "returns a path",
	"running/instance/instance.go:Merged":        "returns a path",
	"running/instance/instance.go:Home":          "returns a path",
	"running/instance/instance.go:Logs":          "returns a path",
	"running/instance/remove.go:":                "lists the places with files of servers",
	"running/instance/remove.go:GatherLogs":      "opens through gameuser",
	"running/instance/remove.go:RemoveRuntime":   "removes through gameuser",
	"running/instance/write.go:AllNames":         "lists runtime, which belongs to left4me",
	"running/instance/write.go:directories":      "creates directories",
	"running/instance/stage.go:Stage":            "creates a directory that only left4me can enter",
	"running/instance/stage.go:KeepStaged":       "renames within runtime, which belongs to left4me",
	"running/instance/stage.go:DropStages":       "removes directories that only left4me can enter",
	"backup/extract.go:Upper":                    "a name within the archive",
	"backup/archives.go:itemsOf":                 "a name within the archive",
	"agent/backups.go:restore":                   "backup.Extraction writes to a directory that only left4me can enter",
	"running/instance/write.go:Exists":           "checks whether an entry exists in a directory that belongs to left4me",
	"running/overlayfs/mount.go:mounted":         "opens below the root without following links",
	"running/overlayfs/mount.go:detach":          "as in mounted",
	"running/overlayfs/mount.go:clearWork":       "as in mounted",
	"running/overlayfs/plan.go:open":             "as in mounted",
	"running/overlayfs/plan.go:openMerged":       "as in mounted",
	"running/process/discard.go:Discard":         "removes through gameuser",
	"running/process/empty_upper.go:empty":       "removes through gameuser",
	"running/process/install.go:clearInstall":    "uses the installation's directories, to which no game writes",
	"content/script/log.go:LogFile":              "uses logs/.builds, to which only left4me writes",
	"running/shim/port.go:describe":              "compares it with a path in /proc",
	"running/shim/run.go:prepare":                "names the directory in an error",
	"running/shim/run.go:open":                   "uses openLogs, which opens through gameuser",
	"running/shim/game_runs.go:launch":           "uses it as the working directory of the game",
	"running/shim/filesystem_view.go:enclose":    "mounts the directories without following links; reads nothing below them",
	"running/shim/failure.go:Forget":             "compares it with a path in /proc",
	"running/systemd/unit.go:unmount":            "checks whether an entry exists",
	"gamefiles/steamcmd/steamcmd.go:Home":        "returns the home of SteamCMD",
	"gamefiles/steamcmd/update.go:hung":          "uses Steam's directory",
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
			t.Errorf("%s names a directory that the game's user may write to: read there through host/running/gameuser, and give the "+
				"reason in mayKnow", in)
		}
	}
	for _, in := range slices.Sorted(maps.Keys(mayKnow)) {
		if !known[in] {
			t.Errorf("%s names no such directory: remove it from mayKnow", in)
		}
	}
}
