package bus_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// usedStore returns the store of a left4me that was killed: 8 jobs are delivered but not done, and
// 12 events recorded, 4 of them read.
func usedStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	use := func(f func(b *bus.Bus)) {
		b, err := bus.OpenFor(t.Context(), dir, "ours", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f(b)
	}
	record := func(b *bus.Bus, from, to int) {
		for i := from; i < to; i++ {
			if err := b.Record(t.Context(), "local", bus.KindCrash, fmt.Sprint(i), bus.Crash{V: 1, Server: "alpha"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	use(func(b *bus.Bus) {
		record(b, 0, 4)
		read := make(chan struct{}, 4)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var reading sync.WaitGroup
		if err := b.Under(&reading).Events(ctx, "reader", bus.KindCrash, func(string, []byte) error {
			read <- struct{}{}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			receive(t, read)
		}
		stop()
		reading.Wait()                              // the last event is acknowledged after its handler has returned
		if err := b.Ping(t.Context()); err != nil { // follows the acknowledgements, so they have arrived
			t.Fatal(err)
		}
	})
	use(func(b *bus.Bus) {
		record(b, 4, 12)
		for i := range 8 {
			if err := b.Enqueue(t.Context(), "local", message(left4me.JobID(fmt.Sprint(i)))); err != nil {
				t.Fatal(err)
			}
		}
		delivered := make(chan bus.Delivery, 8)
		if err := b.Work(t.Context(), "local", func(d bus.Delivery) { delivered <- d }); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			receive(t, delivered)
		}
	})
	return dir
}

// changeFiles returns a function that damages the stream files matching a pattern.
func changeFiles(pattern string, f func(data []byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		files, err := filepath.Glob(filepath.Join(dir, "jetstream/$G/streams", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file %s: %v", pattern, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err == nil {
				err = os.WriteFile(name, f(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func removePath(path string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.RemoveAll(filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
}

func replaceByFile(path string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		removePath(path)(t, dir)
		if err := os.WriteFile(filepath.Join(dir, path), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func empty([]byte) []byte { return nil }

func half(data []byte) []byte { return data[:len(data)/2] }

func junk(data []byte) []byte {
	for i := range data {
		data[i] = byte(i * 7)
	}
	return data
}

// storeDamage is a kind of damage to a store and its expected effect.
type storeDamage struct {
	name   string
	damage func(t *testing.T, dir string)
	unread int // events delivered after opening
	anew   bool
	aside  bool
}

func TestDamagedStoreIsSetAside(t *testing.T) {
	used := usedStore(t)
	for _, c := range []storeDamage{
		{"untouched", func(*testing.T, string) {}, 8, false, false},
		{"removed", removePath("jetstream"), 0, true, false},
		{"all streams removed", removePath("jetstream/$G/streams"), 0, true, false},
		{"events removed", removePath("jetstream/$G/streams/EVENTS"), 0, true, false},
		{"events without metadata", removePath("jetstream/$G/streams/EVENTS/meta.inf"), 0, true, true},
		{"events with empty metadata", changeFiles("EVENTS/meta.inf", empty), 0, true, true},
		{"events with metadata of another stream", func(t *testing.T, dir string) {
			other, err := os.ReadFile(filepath.Join(dir, "jetstream/$G/streams/JOBS/meta.inf"))
			if err != nil {
				t.Fatal(err)
			}
			changeFiles("EVENTS/meta.inf", func([]byte) []byte { return other })(t, dir)
		}, 0, true, true},
		{"events truncated", changeFiles("EVENTS/msgs/*.blk", half), 0, true, true},
		{"reader position with random bytes", changeFiles("EVENTS/obs/reader/o.dat", junk), 0, true, true},
		{"reader without metadata", removePath("jetstream/$G/streams/EVENTS/obs/reader/meta.inf"), 0, true, true},
		{"an unknown stream, damaged", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "jetstream/$G/streams/STRAY"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, 0, true, true},
		{"jobs removed", removePath("jetstream/$G/streams/JOBS"), 8, false, false},
		{"jobs without metadata", removePath("jetstream/$G/streams/JOBS/meta.inf"), 8, false, false},
		{"jobs with random metadata", changeFiles("JOBS/meta.sum", junk), 8, false, false},
		{"jobs truncated", changeFiles("JOBS/msgs/*.blk", half), 8, false, false},
		{"jobs with random bytes", changeFiles("JOBS/msgs/*.blk", junk), 8, false, false},
		{"jobs are a file", replaceByFile("jetstream/$G/streams/JOBS"), 8, false, false},
		{"streams are a file", replaceByFile("jetstream/$G/streams"), 0, true, true},
		{"the store is a file", replaceByFile("jetstream"), 0, true, true},
		{"all files with random bytes", func(t *testing.T, dir string) {
			err := filepath.WalkDir(filepath.Join(dir, "jetstream"), func(p string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				data, err := os.ReadFile(p)
				return errors.Join(err, os.WriteFile(p, junk(data), 0o600))
			})
			if err != nil {
				t.Fatal(err)
			}
		}, 0, true, true},
		{"belongs to another left4me", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "owner"), []byte("theirs"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 0, true, true},
		{"from an older left4me", removePath("owner"), 8, false, false},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, used) })
	}
}

// check opens a damaged copy of a store, and checks that all jobs and new events are delivered.
func (c storeDamage) check(t *testing.T, used string) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(used)); err != nil {
		t.Fatal(err)
	}
	c.damage(t, dir)
	b, err := bus.OpenFor(t.Context(), dir, "ours", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if aside := bus.Aside(dir); b.IsNewStore() != c.anew || (len(aside) == 1) != c.aside || len(aside) > 1 {
		t.Errorf("Anew() = %t, set aside: %v", b.IsNewStore(), aside)
	}
	// As at each start, active jobs are sent again.
	for i := range 8 {
		if err := b.Enqueue(t.Context(), "local", message(left4me.JobID(fmt.Sprint(i)))); err != nil {
			t.Fatal(err)
		}
	}
	delivered := make(chan bus.Delivery, 100)
	if err := b.Work(t.Context(), "local", func(d bus.Delivery) { delivered <- d }); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 8 {
		d := receive(t, delivered)
		got = append(got, string(d.ID))
		if err := d.Done(); err != nil {
			t.Error(err)
		}
	}
	if slices.Sort(got); !slices.Equal(got, []string{"0", "1", "2", "3", "4", "5", "6", "7"}) || len(delivered) > 0 {
		t.Errorf("delivered %v and %d more", got, len(delivered))
	}
	if err := b.Record(t.Context(), "local", bus.KindCrash, "new", bus.Crash{V: 1, Server: "beta"}); err != nil {
		t.Fatal(err)
	}
	events := make(chan left4me.Name, 100)
	if err := b.Events(t.Context(), "reader", bus.KindCrash, func(_ string, data []byte) error {
		var crash bus.Crash
		err := bus.Decode(data, &crash)
		events <- crash.Server
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for range c.unread {
		if n := receive(t, events); n != "alpha" {
			t.Errorf("event of %s, want alpha", n)
		}
	}
	if n := receive(t, events); n != "beta" {
		t.Errorf("new event of %s, want beta", n)
	}
}

func TestNewestDamagedStoresAreKept(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		if err := os.WriteFile(filepath.Join(dir, "jetstream"), []byte{byte(i)}, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := bus.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		if err := os.RemoveAll(filepath.Join(dir, "jetstream")); err != nil {
			t.Fatal(err)
		}
	}
	aside := bus.Aside(dir)
	if len(aside) != 3 {
		t.Fatalf("%d stores are kept, want 3", len(aside))
	}
	for i, name := range aside {
		if data, err := os.ReadFile(name); err != nil || len(data) != 1 || int(data[0]) != 2+i {
			t.Errorf("%s holds store %v, %v", name, data, err)
		}
	}
}
