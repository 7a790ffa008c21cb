package agent

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

// constants returns the values of a package's constants for which wanted returns true.
func constants(t *testing.T, dir string, wanted func(block *ast.GenDecl, c *ast.ValueSpec) bool) (all []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			block, ok := d.(*ast.GenDecl)
			if !ok || block.Tok != token.CONST {
				continue
			}
			for _, s := range block.Specs {
				c := s.(*ast.ValueSpec)
				if !wanted(block, c) {
					continue
				}
				text, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatalf("%s: got %v", name, err)
				}
				all = append(all, text)
			}
		}
	}
	return all
}

func TestEveryRequestAndJobKindHasHandler(t *testing.T) {
	t.Parallel()
	a := newWorker(t, shimtest.NewRoot(t))
	requests, runners := a.requests(), a.runners()
	verbs := constants(t, "../../bus", func(block *ast.GenDecl, _ *ast.ValueSpec) bool {
		return strings.HasPrefix(block.Doc.Text(), "Verbs of Command")
	})
	for _, verb := range verbs {
		if requests[verb] == nil {
			t.Errorf("no handler for %q", verb)
		}
	}
	kinds := constants(t, "../../left4me", func(_ *ast.GenDecl, c *ast.ValueSpec) bool {
		kind, ok := c.Type.(*ast.Ident)
		return ok && kind.Name == "JobKind"
	})
	for _, kind := range kinds {
		if runners[left4me.JobKind(kind)] == nil {
			t.Errorf("no runner for jobs of kind %q", kind)
		}
	}
	if len(requests) != len(verbs) || len(runners) != len(kinds) {
		t.Errorf("got %d handlers for %d requests and %d runners for %d kinds of jobs", len(requests), len(verbs), len(runners), len(kinds))
	}
}
