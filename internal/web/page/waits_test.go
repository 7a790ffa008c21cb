package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// waiting maps the functions that wait to the index of the argument that holds the duration.
var waiting = map[string]int{
	"time.Sleep": 0, "time.After": 0, "time.Tick": 0, "time.NewTimer": 0, "time.NewTicker": 0, "time.AfterFunc": 0, "sleep.For": 1,
}

// TestEveryPageShowsChanges can't require updates within a second, because a busy machine takes
// longer. This test covers what doesn't depend on the machine: streams only wait for events and for two
// short pauses.
func TestPagesWaitForLessThanASecond(t *testing.T) {
	if all := updatePause + diskCheckPause; all >= time.Second {
		t.Errorf("the pauses of pages add up to %s, want less than 1 s", all)
	}
	known := []string{
		"updatePause", "diskCheckPause",
		"beatEvery",    // interval at which a stream checks its session
		"consolePause", // pause before a failed request for a console is retried
	}
	var sources []string
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			sources = append(sources, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	files := token.NewFileSet()
	for _, name := range sources {
		source, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			at, waits := waiting[types.ExprString(call.Fun)]
			if !waits || len(call.Args) <= at {
				return true
			}
			wait := types.ExprString(call.Args[at])
			found[wait] = true
			if !slices.Contains(known, wait) {
				t.Errorf("%s: unknown wait %s; if it doesn't delay pages, add it to known", files.Position(n.Pos()), wait)
			}
			return true
		})
	}
	for _, name := range known {
		if !found[name] {
			t.Errorf("no function waits for %s; remove it from known", name)
		}
	}
}
