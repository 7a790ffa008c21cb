package stack_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/internal/host/content/stack"
	"github.com/left4me/left4me/internal/left4me"
)

// BenchmarkFirstPage uses a stack of 30 layers with 60,000 files.
func BenchmarkFirstPage(b *testing.B) {
	dir := b.TempDir()
	var layers []stack.Layer
	for l := range 30 {
		layer := filepath.Join(dir, fmt.Sprint(l))
		for d := range 20 {
			sub := filepath.Join(layer, "left4dead2", "addons", fmt.Sprintf("sub%02d", d))
			if err := os.MkdirAll(sub, 0o755); err != nil {
				b.Fatal(err)
			}
			for f := range 100 {
				if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("file%d-%d", f, (l*7+f)%11)), nil, 0o644); err != nil {
					b.Fatal(err)
				}
			}
		}
		layers = append(layers, stack.Layer{Name: fmt.Sprint("layer ", l), Dir: layer})
	}
	for name, f := range map[string]left4me.Filter{
		"directory": {Dir: "left4dead2/addons/sub07"}, "deep": {Deep: true}, "last page": {Deep: true, After: "left4dead2/addons/sub19/a"},
		"search": {Query: "sub19/file9"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := stack.Open(layers)
				if err != nil {
					b.Fatal(err)
				}
				if page, err := s.Page(b.Context(), f); err != nil || len(page.Items) == 0 {
					b.Fatal(page, err)
				}
				s.Close()
			}
		})
	}
}
