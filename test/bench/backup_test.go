//go:build bench

package bench

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/backup"
)

// TestBackup compares the backup of a root with GNU tar and zstd on the same files. left4me also
// hashes each file, so that a restore can verify it.
func TestBackup(t *testing.T) {
	root := t.TempDir()
	upper := filepath.Join(root, "runtime/alpha/upper/left4dead2")
	random := rand.NewChaCha8([32]byte{1})
	var total int64
	put := func(name string, r io.Reader) {
		p := filepath.Join(upper, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(p)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(f, r)
		if err != nil {
			t.Fatal(err)
		}
		total += n
		f.Close()
	}
	for i := range 12 { // incompressible content, like that of VPKs
		put(fmt.Sprintf("addons/%d.vpk", i), io.LimitReader(random, 16<<20))
	}
	var line strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&line, "L 03/04/2026 - 12:%02d:%02d: \"player %d<%d><STEAM_1:0:%d><Survivor>\" say \"hello %x\"\n", i/60%60, i%60, i%8,
			i%99, random.Uint64()%1e6, random.Uint64()%4096)
	}
	for i := range 60 {
		put(fmt.Sprintf("logs/L%04d.log", i), strings.NewReader(line.String()))
	}
	for i := range 4000 {
		put(fmt.Sprintf("cfg/%d/own.cfg", i), strings.NewReader(line.String()[i*100:i*100+700]))
	}
	database := filepath.Join(root, "copy.db")
	if err := os.WriteFile(database, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	var ours, theirs []time.Duration
	var sizes [2]int64
	for range 3 {
		begin := time.Now()
		f, err := os.Create(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Pack(t.Context(), backup.Source{Root: root, Database: database, Head: backup.Head{Format: backup.Format}},
			f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		ours = append(ours, time.Since(begin))
		sizes[0] = size(t, out)
		begin = time.Now()
		run(t, "tar", "--zstd", "--format=pax", "--xattrs", "-C", root, "-cf", out, "runtime")
		theirs = append(theirs, time.Since(begin))
		sizes[1] = size(t, out)
	}
	a, b := median(ours), median(theirs)
	fmt.Printf("\n| %.0f MB in 4,073 files | backup.Pack | tar --zstd | ratio |\n| --- | --- | --- | --- |\n", float64(total)/1e6)
	row("time", a, b, float64(a)/float64(b))
	row("MB", sizes[0]/1e6, sizes[1]/1e6, float64(sizes[0])/float64(sizes[1]))
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}
