package instance_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checks is a context that is cancelled after its Err method has been called left times.
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

// A cancel stops writing a generation between any two files. The previous configuration stays in use,
// and the next start writes all files.
func TestCancelledPrepareKeepsPreviousConfiguration(t *testing.T) {
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
			t.Fatalf("cancelled at check %d: %v", n, err)
		}
		now, err := f.Root.ReadEnv(next.Name)
		if err != nil {
			t.Fatal(err)
		}
		if now.SpecHash != env.SpecHash && now.SpecHash != next.Hash() {
			t.Errorf("cancelled at check %d: instance.env is %+v", n, now)
		}
		if _, err := os.Stat(filepath.Join(string(f.Root), now.Lowerdirs[0], "left4dead2/cfg/server.cfg")); err != nil {
			t.Errorf("cancelled at check %d: current generation is missing: %v", n, err)
		}
		if err := f.Prepare(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	if ends < 5 {
		t.Errorf("the context was checked only %d times", ends)
	}
	entries, err := os.ReadDir(filepath.Join(f.Root.Instance(next.Name), "config"))
	if err != nil || len(entries) != 1 || strings.HasPrefix(entries[0].Name(), ".") {
		t.Errorf("generations: %v, %v", entries, err)
	}
}
