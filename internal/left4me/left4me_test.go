package left4me_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestParseName(t *testing.T) {
	for in, ok := range map[string]bool{
		"alpha": true, "a": true, "0": true, "a-b_c9": true, strings.Repeat("x", 64): true,
		"": false, "-a": false, "_a": false, "A": false, "a.b": false, "a/b": false, "..": false, "a b": false,
		"a\n": false, "a\x00": false, "ä": false, strings.Repeat("x", 65): false,
	} {
		n, err := left4me.ParseName(in)
		if (err == nil) != ok {
			t.Errorf("ParseName(%q) = %v, want ok %v", in, err, ok)
		}
		if ok && string(n) != in {
			t.Errorf("ParseName(%q) = %q", in, n)
		}
		if !ok && !errors.Is(err, left4me.Invalid) {
			t.Errorf("ParseName(%q): %v is not Invalid", in, err)
		}
	}
}

func TestNameUnmarshalRejectsPaths(t *testing.T) {
	var s left4me.Spec
	if err := json.Unmarshal([]byte(`{"name":"../etc"}`), &s); err == nil {
		t.Errorf("a path was taken as a name: %+v", s)
	}
	if err := json.Unmarshal([]byte(`{"name":"alpha","overlays":["a","b/c"]}`), &s); err == nil {
		t.Errorf("a path was taken as an overlay: %+v", s)
	}
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"alpha", "", "..", "a/b", strings.Repeat("x", 65), "a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := left4me.ParseName(s)
		if err == nil && (string(n) != s || strings.ContainsAny(s, "/.\x00\\ ") || len(s) > left4me.MaxName) {
			t.Errorf("ParseName(%q) accepted an invalid name", s)
		}
	})
}

func TestWrappedErrorKeepsKind(t *testing.T) {
	err := fmt.Errorf("start alpha: %w",
		&left4me.Error{Kind: left4me.Conflict, Text: "port 27015 is used by beta", Hint: "choose another or stop beta"})
	if !errors.Is(err, left4me.Conflict) || errors.Is(err, left4me.NotFound) {
		t.Errorf("kind of %v is lost", err)
	}
	if got := err.Error(); got != "start alpha: port 27015 is used by beta; choose another or stop beta" {
		t.Errorf("text: %s", got)
	}
	if e, ok := left4me.Public(errors.New("disk on fire")); ok {
		t.Errorf("an internal error may be shown: %v", e)
	}
}

func TestServerSettingsOverrideBlueprint(t *testing.T) {
	base := left4me.Settings{Hostname: "base", Mode: "versus", MaxPlayers: 8, Cfg: []string{"a"}}
	own := left4me.Settings{Hostname: "own", Cfg: []string{"b"}}
	got := own.Over(base)
	if got.Hostname != "own" || got.Mode != "versus" || got.MaxPlayers != 8 || strings.Join(got.Cfg, ",") != "a,b" {
		t.Errorf("got %+v", got)
	}
	if len(base.Cfg) != 1 {
		t.Errorf("the blueprint was changed: %+v", base)
	}
}

func TestSpecHashFollowsContent(t *testing.T) {
	a := left4me.Spec{Name: "a", Port: 27015, Overlays: left4me.Refs("x", "y")}
	b := a
	b.Overlays = left4me.Refs("y", "x")
	if a.Hash() == b.Hash() {
		t.Error("the order of overlays does not change the hash")
	}
	if a.Hash() != (left4me.Spec{Name: "a", Port: 27015, Overlays: left4me.Refs("x", "y")}).Hash() {
		t.Error("equal specs have different hashes")
	}
}

func TestServerStateTransitions(t *testing.T) {
	life := []left4me.ServerState{
		left4me.Stopped, left4me.Starting, left4me.Running, left4me.Unresponsive, left4me.Running, left4me.Stopping, left4me.Stopped,
	}
	for i := 1; i < len(life); i++ {
		if !life[i-1].CanBecome(life[i]) {
			t.Errorf("%s can't become %s", life[i-1], life[i])
		}
	}
	if left4me.Stopped.CanBecome(left4me.Running) {
		t.Error("a server runs without having started")
	}
	for _, s := range []left4me.ServerState{left4me.Stopped, left4me.Starting, left4me.Running, left4me.Unresponsive, left4me.Stopping} {
		if !s.CanBecome(left4me.Failed) {
			t.Errorf("%s can't fail", s)
		}
	}
}

// External tools match the labels, so they must not change.
func TestStepLabelsAreStable(t *testing.T) {
	for label, want := range map[string]string{
		left4me.StepWriteConfig: "write configuration", left4me.StepCheckPort: "check port", left4me.StepLaunch: "start server",
		left4me.StepAwaitReady: "wait until it answers players", left4me.StepStop: "stop server",
		left4me.StepUnmount:    "unmount overlay (if mounted)",
		left4me.StepEmptyUpper: "empty writable layer", left4me.StepRemoveFiles: "remove files",
	} {
		if label != want {
			t.Errorf("%q was %q", label, want)
		}
	}
}

func TestJobKindConsistsOfNounAndVerb(t *testing.T) {
	if k := left4me.StartServer; k.Noun() != "server" || k.Verb() != "start" {
		t.Errorf("%s is %q and %q", k, k.Noun(), k.Verb())
	}
	for s, ended := range map[left4me.JobState]bool{
		left4me.JobQueued: false, left4me.JobRunning: false, left4me.JobDone: true, left4me.JobFailed: true, left4me.JobCancelled: true,
		left4me.JobInterrupted: true,
	} {
		if s.Ended() != ended {
			t.Errorf("%s.Ended() = %v", s, s.Ended())
		}
	}
}
