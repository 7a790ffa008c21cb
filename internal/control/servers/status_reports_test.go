package servers

import (
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// An equal state of the next server of a name is written again, however soon that server follows.
func TestSameStateOfNextServerIsWrittenAgain(t *testing.T) {
	l := newStatuses()
	running := left4me.Status{Name: "alpha", State: left4me.Running}
	l.set("local", running)
	written, forgotten := l.reports()
	if len(written) != 1 || len(forgotten) != 0 {
		t.Fatalf("%v, %v", written, forgotten)
	}
	l.forget("local", "alpha", l.now())
	l.set("local", running)
	all, forgotten := l.reports()
	if changed := changedSince(written, all, forgotten); len(changed) != 1 || changed[0].Name != "alpha" || changed[0].Value != "running" {
		t.Errorf("%v is written again", changed)
	}
	all, forgotten = l.reports()
	if changed := changedSince(all, all, forgotten); len(changed) != 0 {
		t.Errorf("%v is written a third time", changed)
	}
	l.next("local", "alpha")
	written = all
	all, forgotten = l.reports()
	if changed := changedSince(written, all, forgotten); len(changed) != 1 {
		t.Errorf("it runs under the name of the next one, of which is written: %v", changed)
	}
}

// A deletion that is noticed late doesn't remove the status of the next server of the name.
func TestStatusOfNextServerIsNotForgotten(t *testing.T) {
	l := newStatuses()
	l.set("local", left4me.Status{Name: "alpha", State: left4me.Failed})
	asked := l.now()
	l.set("local", left4me.Status{Name: "alpha", State: left4me.Running})
	l.forget("local", "alpha", asked)
	if st := l.get(left4me.Server{Host: "local", Name: "alpha"}); st.State != left4me.Running {
		t.Errorf("it is %q", st.State)
	}
}
