package instance_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checks is a context that is cancelled while somebody works with it: after so
// many checks of it.
type checks struct {
	context.Context
	left int
}

func (l *checks) Err() error {
	if l.left--; l.left < 0 {
		return context.Canceled
	}
	return nil
}

// A cancel ends the copy of a generation between two files, wherever it is. What
// servers start with stays what it was, and the next start writes it all.
func TestPrepareEndsWhenItIsCancelled(t *testing.T) {
	f := host(t)
	before := spec()
	if err := f.Prepare(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	next := spec()
	next.Settings.Hostname = "Another"
	ends := 0
	for n := 0; ; n++ {
		env, err := f.Root.ReadEnv(next.Name)
		if err != nil {
			t.Fatal(err)
		}
		err = f.Prepare(&checks{t.Context(), n}, next)
		if err == nil {
			break
		}
		ends++
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("check %d: %v", n, err)
		}
		now, err := f.Root.ReadEnv(next.Name)
		if err != nil {
			t.Fatal(err)
		}
		if now.SpecHash != env.SpecHash && now.SpecHash != next.Hash() {
			t.Errorf("check %d: it starts with %+v", n, now)
		}
		if _, err := os.Stat(filepath.Join(string(f.Root), now.Lowerdirs[0], "left4dead2/cfg/server.cfg")); err != nil {
			t.Errorf("check %d: what a server starts with is gone: %v", n, err)
		}
		if err := f.Prepare(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	if ends < 5 {
		t.Errorf("it checks its context %d times", ends)
	}
	entries, err := os.ReadDir(filepath.Join(f.Root.Instance(next.Name), "config"))
	if err != nil || len(entries) != 1 || strings.HasPrefix(entries[0].Name(), ".") {
		t.Errorf("%v, %v", entries, err)
	}
}
