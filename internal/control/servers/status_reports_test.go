package servers

import (
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// An equal state of the next server of a name is written again, however soon that server follows.
func TestEqualStateOfNextServerIsWrittenAgain(t *testing.T) {
	l := newStatuses()
	running := left4me.Status{Name: "alpha", State: left4me.Running}
	l.set("local", running)
	written, forgotten := l.reports()
	if len(written) != 1 || len(forgotten) != 0 {
		t.Fatalf("got %v, %v", written, forgotten)
	}
	l.forget("local", "alpha", l.sequence())
	l.set("local", running)
	all, forgotten := l.reports()
	if changed := changedSince(written, all, forgotten); len(changed) != 1 || changed[0].Name != "alpha" || changed[0].Value != "running" {
		t.Errorf("changed %v, want the state of alpha", changed)
	}
	all, forgotten = l.reports()
	if changed := changedSince(all, all, forgotten); len(changed) != 0 {
		t.Errorf("written %v again without a change", changed)
	}
	l.nameReused("local", "alpha")
	written = all
	all, forgotten = l.reports()
	if changed := changedSince(written, all, forgotten); len(changed) != 1 {
		t.Errorf("changed %v, want one report for the next server", changed)
	}
}

// A deletion that is noticed late doesn't remove the status of the next server of the name.
func TestForgetKeepsStatusOfNextServer(t *testing.T) {
	l := newStatuses()
	l.set("local", left4me.Status{Name: "alpha", State: left4me.Failed})
	asked := l.sequence()
	l.set("local", left4me.Status{Name: "alpha", State: left4me.Running})
	l.forget("local", "alpha", asked)
	if st := l.get(left4me.Server{Host: "local", Name: "alpha"}); st.State != left4me.Running {
		t.Errorf("state %q, want running", st.State)
	}
}
