package overlays_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// many is the number of files in the benchmark's overlay.
const many = 20_000

// tree writes n files with different content, 100 per directory.
func tree(tb testing.TB, dir string, n int) {
	for i := range n {
		d := filepath.Join(dir, fmt.Sprintf("left4dead2/materials/d%03d", i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(d, 0o755); err != nil {
				tb.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(d, fmt.Sprintf("texture_%05d.vmt", i)), fmt.Appendf(nil, "file %d", i), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// du returns the allocated bytes of directories, counting each inode once.
func du(tb testing.TB, dirs ...string) (sum int64) {
	seen := map[uint64]bool{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var st unix.Stat_t
			if err := unix.Lstat(name, &st); err != nil {
				return err
			}
			if !seen[st.Ino] {
				sum += st.Blocks * 512
			}
			seen[st.Ino] = true
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return sum
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkOneFileOfMany publishes revisions in which one file of 20,000 changed, and compares that
// with doing it by hand: cp -al, replacing the file, sync.
func BenchmarkOneFileOfMany(b *testing.B) {
	root := b.TempDir()
	s := overlays.Open(root, -1)
	publish := func(n int, fill func(st *overlays.Staging)) time.Duration {
		begin := time.Now()
		st, err := s.Stage(b.Context(), "maps", left4me.JobID(fmt.Sprint("job", n)))
		if err != nil {
			b.Fatal(err)
		}
		fill(st)
		if _, changed, err := s.Publish(b.Context(), st, overlays.Meta{}, nil); err != nil || !changed {
			b.Fatal(err)
		}
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
	first := publish(0, func(st *overlays.Staging) { tree(b, st.Dir(), many) })
	hand := filepath.Join(root, "hand")
	tree(b, filepath.Join(hand, "0"), many)
	unix.Sync()
	kept := filepath.Join(root, "overlays")
	oursBefore, handBefore := du(b, kept), du(b, hand)
	var ours, theirs []time.Duration
	const changed = "left4dead2/materials/d100/texture_10000.vmt"
	for i := 1; b.Loop(); i++ {
		ours = append(ours, publish(i, func(st *overlays.Staging) {
			if _, _, err := st.From(b.Context(), 0); err != nil {
				b.Fatal(err)
			}
			file := filepath.Join(st.Dir(), changed)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(file, fmt.Appendf(nil, "change %d", i), 0o644); err != nil {
				b.Fatal(err)
			}
		}))
		begin := time.Now()
		to := filepath.Join(hand, fmt.Sprint(i))
		if out, err := exec.Command("sh", "-ec", `cp -al "$1" "$2"; rm "$2/$3"; echo x >"$2/$3"; sync -f "$2"`, "sh",
			filepath.Join(hand, fmt.Sprint(i-1)), to, changed).CombinedOutput(); err != nil {
			b.Fatalf("got error %v, %s", err, out)
		}
		theirs = append(theirs, time.Since(begin))
	}
	n := int64(len(ours))
	unix.Sync()
	b.ReportMetric(float64(first.Milliseconds()), "first-ms")
	b.ReportMetric(float64(median(ours).Milliseconds()), "ours-ms")
	b.ReportMetric(float64(median(theirs).Milliseconds()), "cp-al-ms")
	b.ReportMetric(float64(median(ours))/float64(median(theirs)), "ratio")
	b.ReportMetric(float64((du(b, kept)-oursBefore)/n), "ours-B/rev")
	b.ReportMetric(float64((du(b, hand)-handBefore)/n), "cp-al-B/rev")
	begin := time.Now()
	if _, err := s.List(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(begin).Milliseconds()), "list-ms")
}
