package vpk_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/left4me/left4me/source/vpk"
)

// BenchmarkOpen reads a tree of 50,000 entries, each in a branch of its own.
func BenchmarkOpen(b *testing.B) {
	files := make([]file, 50_000)
	for i := range files {
		files[i] = file{"materials/models/things", fmt.Sprintf("thing_%05d", i), "vmt", "x", 0, same, 0, 0, 0}
	}
	data := build(1, files...).main
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := vpk.New(bytes.NewReader(data), int64(len(data)), "x.vpk")
		if err != nil || len(a.Entries()) != len(files) {
			b.Fatal(err)
		}
	}
}
