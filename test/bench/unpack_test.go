//go:build bench

package bench

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/test/stage"
)

// writeZip writes a zip with the given number and size of files. Half of each file repeats, as in
// the files of maps.
func writeZip(t *testing.T, name string, files, bytesEach int) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	r := rand.NewChaCha8([32]byte{3})
	for i := range files {
		e, err := w.Create(fmt.Sprintf("addons/part_%03d.vpk", i))
		if err != nil {
			t.Fatal(err)
		}
		piece := make([]byte, 4<<10)
		for left := bytesEach; left > 0; left -= 2 * len(piece) {
			_, _ = r.Read(piece)
			for j := range piece { // slightly compressible, like textures
				piece[j] &= 0x3f
			}
			if _, err := e.Write(piece); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(e, bytes.NewReader(piece)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestUnpackZip unpacks a zip of 300 MB in a separate decoder process, as for uploads.
// docs/performance.md compares it with the previous build: this test, run alternately in both
// trees.
func TestUnpackZip(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(in, "a.zip")
	writeZip(t, file, 50, 16<<20)
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(in)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var took []time.Duration
	for range 7 {
		took = append(took, unpack(t, root, dir))
	}
	row("unpack a zip", fmt.Sprintf("%d MB", st.Size()/1e6), median(took))
}

// unpack imports the content of a directory once and returns how long it took.
func unpack(t *testing.T, in *os.Root, scratch string) time.Duration {
	t.Helper()
	into, err := os.MkdirTemp(scratch, "into")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(into)
	out, err := os.OpenRoot(into)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	begun := time.Now()
	found, err := archive.Open(context.Background(), in,
		archive.Options{Scratch: scratch, Decoder: []string{stage.Build(t).Left4me, "decode"}})
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	if err := found.Write(context.Background(), out, nil); err != nil {
		t.Fatal(err)
	}
	return time.Since(begun)
}

// TestNames measures how long it takes to detect the encoding of 10,000 names.
func TestNames(t *testing.T) {
	e, _ := charset.Find("gbk")
	var names [][]byte
	for i := range 10_000 {
		b, err := e.Encode(fmt.Sprintf("left4dead2/求生之路地图/黑色狂欢节_%05d.vpk", i))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, b)
	}
	var took []time.Duration
	for range 15 {
		begun := time.Now()
		if g := charset.Detect(names, ""); g.Name != "gbk" || !g.Sure {
			t.Fatalf("got %+v", g)
		}
		took = append(took, time.Since(begun))
	}
	row("the encoding of 10,000 names", median(took), "≤ 30 ms")
}
