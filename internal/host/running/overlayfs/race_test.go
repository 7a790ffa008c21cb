package overlayfs

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// A user who may write to the directories exchanges names during mounts and unmounts. Nevertheless,
// only directories below the root may be mounted, no mount point may be outside, and no other mount may
// be removed.
func TestNameExchangeDuringMountIsHarmless(t *testing.T) {
	cycles := 60 // each unmount takes the kernel some time
	if n, err := strconv.Atoi(os.Getenv("LEFT4ME_TEST_RACE_ROUNDS")); err == nil {
		cycles = n
	} else if testing.Short() {
		cycles = 20
	}
	for _, c := range []struct{ name, victim, link, to string }{
		{"layer", "overlays/maps", "overlays/evil", "outside/maps"},
		{"merged", "runtime/alpha/merged", "runtime/alpha/evil", "outside/alpha/merged"},
		{"parent", "runtime/alpha", "runtime/evil", "outside/alpha"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t)
			p.layers("overlays/maps/1", "installation/base")
			outside := place{t: t, dir: filepath.Join(t.TempDir(), "outside")}
			outside.mkdir("maps/1", "alpha/upper", "alpha/work", "alpha/merged")
			outside.write("maps/1/secret", "")
			// An overlay of another user, which must stay unchanged.
			data := "lowerdir=" + outside.path("maps") + ":" + outside.path("alpha")
			if err := unix.Mount("overlay", outside.path("alpha/merged"), "overlay", 0, data); err != nil {
				t.Fatal(err)
			}
			defer unix.Unmount(outside.path("alpha/merged"), unix.MNT_DETACH)
			p.symlink(filepath.Join(filepath.Dir(outside.dir), c.to), c.link)

			// Stop on failure, too: the exchange must not run during cleanup.
			race := exchange(p.path(c.victim), p.path(c.link))
			defer race.stop()
			mounted, refused := 0, 0
			for range cycles {
				if err := p.Mount("alpha"); err != nil {
					refused++
				} else {
					mounted++
				}
				if at := outside.mounts(); len(at) != 1 {
					t.Fatalf("mounted outside: %q", at)
				}
				at := p.mounts()
				for _, m := range at {
					if _, err := os.Lstat(filepath.Join(m, "secret")); err == nil {
						t.Fatalf("%s shows what is outside", m)
					}
				}
				_ = p.Unmount("alpha")
				if at := outside.mounts(); len(at) != 1 {
					t.Fatal("something outside was unmounted")
				}
				// A mount whose name was moved away can't be found by that name.
				race.Lock()
				for _, m := range p.mounts() {
					_ = unix.Unmount(m, unix.MNT_DETACH)
				}
				race.Unlock()
			}
			exchanges := race.stop()
			t.Logf("%d cycles against %d exchanges: %d mounts, %d refusals", cycles, exchanges, mounted, refused)
			if mounted == 0 || refused == 0 || exchanges < int64(cycles)/10 {
				t.Error("too few mounts, refusals or exchanges")
			}
		})
	}
}

// exchanging exchanges two names repeatedly while its lock is free.
type exchanging struct {
	sync.Mutex
	end  atomic.Bool
	done chan struct{}
	n    int64
}

func exchange(a, b string) *exchanging {
	e := &exchanging{done: make(chan struct{})}
	go func() {
		defer close(e.done)
		for !e.end.Load() {
			e.Lock()
			if unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) == nil {
				e.n++
			}
			e.Unlock()
		}
	}()
	return e
}

// stop returns the number of exchanges.
func (e *exchanging) stop() int64 {
	e.end.Store(true)
	<-e.done
	return e.n
}
