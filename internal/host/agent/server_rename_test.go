package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

// renamedTo returns the definition of a server that users have renamed and whose host has not
// followed yet.
func renamedTo(r *shimtest.Root, n left4me.Name) left4me.Spec {
	spec := r.Spec
	spec.Name, spec.OldName = n, r.Name
	return spec
}

// removeAfter removes a server at the end of the test, before shimtest checks its root.
func removeAfter(t *testing.T, a *Agent, spec left4me.Spec) {
	t.Helper()
	t.Cleanup(func() {
		if err := a.servers.remove(context.Background(), spec, a.mute()); err != nil {
			t.Error(err)
		}
	})
}

// A running server keeps the name that it has on its host. Its next start gives it the new name,
// with its files, its log and its console position.
func TestStartAfterRenameMovesFilesOnHost(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	ctx := t.Context()
	if err := a.servers.start(ctx, r.Spec, a.mute()); err != nil {
		t.Fatal(err)
	}
	spec := renamedTo(r, "beta")
	removeAfter(t, a, spec)
	wrote := filepath.Join(r.Files.Root.Upper(r.Name), "kept.txt")
	if err := os.WriteFile(wrote, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}

	// Starting a running server succeeds and renames nothing.
	p := a.mute()
	p.Plan(planned(spec, slices.Clone(startSteps))...)
	if err := a.servers.start(ctx, spec, p); err != nil {
		t.Fatal(err)
	}
	if s := p.Steps()[0]; s.Label != left4me.StepRename || s.State != left4me.StepSkipped {
		t.Errorf("first step: got %+v, want a skipped rename", s)
	}
	if st, _ := a.statuses.get(r.Name); !st.State.Up() || r.Files.Root.Exists("beta") {
		t.Fatalf("alpha is %s, files of beta exist: %t", st.State, r.Files.Root.Exists("beta"))
	}
	before, err := a.consoles.read(ctx, bus.ConsoleRequest{Server: r.Name, After: -1})
	if err != nil {
		t.Fatal(err)
	}

	p = a.mute()
	p.Plan(planned(spec, slices.Concat(stopSteps, startSteps))...)
	if err := a.servers.restart(ctx, spec, p); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.Steps(), func(s left4me.Step) bool { return s.Label == left4me.StepRename })
	if s := p.Steps(); i != 2 || s[i].State != left4me.StepDone || s[i+1].Label != left4me.StepWriteConfig {
		t.Errorf("got steps %+v", s)
	}
	free(t, r, r.Name)
	if _, err := os.Lstat(filepath.Join(r.Run, string(r.Name))); err == nil {
		t.Error("the run-time files of the old name are left")
	}
	if b, err := os.ReadFile(filepath.Join(r.Files.Root.Upper("beta"), "kept.txt")); string(b) != "kept" {
		t.Errorf("the server's file contains %q, %v", b, err)
	}
	if st, _ := a.statuses.get("beta"); !st.State.Up() {
		t.Errorf("beta is %+v", st)
	}
	all, err := a.statuses.list(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "beta" {
		t.Errorf("got statuses %+v, %v", all, err)
	}
	after, err := a.consoles.read(ctx, bus.ConsoleRequest{Server: "beta", After: before.Position})
	if err != nil || after.After != before.Position || after.Lost != 0 {
		t.Errorf("the console continues at %d with %d bytes lost, want %d: %v", after.After, after.Lost, before.Position, err)
	}
	if env, err := r.Files.Root.ReadEnv("beta"); err != nil || env.SpecHash != spec.Hash() {
		t.Errorf("got %+v, %v", env, err)
	}
	// Start once more, as after a kill before the report: the rename step must be reported again.
	p = a.mute()
	p.Plan(planned(spec, slices.Clone(startSteps))...)
	if err := a.servers.start(ctx, spec, p); err != nil {
		t.Error(err)
	}
	if s := p.Steps(); s[0].Label != left4me.StepRename || s[0].State != left4me.StepDone || s[1].State != left4me.StepSkipped {
		t.Errorf("second start: got steps %+v", s)
	}
	if err := a.servers.stopServer(ctx, spec, a.mute()); err != nil {
		t.Error(err)
	}
	if st, _ := a.statuses.get("beta"); st.State.Up() {
		t.Errorf("beta is %s after a stop that names the old name", st.State)
	}
}

// Every job succeeds on a server whose rename was interrupted between two directories.
func TestJobsSucceedOnHalfRenamedServer(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	ctx := t.Context()
	spec := renamedTo(r, "beta")
	removeAfter(t, a, spec)
	for _, cut := range [][]string{nil, {"runtime"}, {"runtime", "logs"}, {"runtime", "logs", "instances"}} {
		for _, verb := range []string{"start", "restart", "reset", "stop", "delete"} {
			r.Prepare(t)
			wrote := filepath.Join(r.Files.Root.Upper(r.Name), "wrote.txt")
			if err := os.WriteFile(wrote, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, place := range cut {
				dir := filepath.Join(string(r.Files.Root), place)
				if err := os.Rename(filepath.Join(dir, string(r.Name)), filepath.Join(dir, "beta")); err != nil {
					t.Fatal(err)
				}
			}
			p := a.mute()
			var err error
			switch verb {
			case "start":
				err = a.servers.start(ctx, spec, p)
			case "restart":
				err = a.servers.restart(ctx, spec, p)
			case "reset":
				err = a.servers.reset(ctx, spec, p)
			case "stop":
				err = a.servers.stopServer(ctx, spec, p)
			}
			if err != nil {
				t.Fatalf("%s after %v: %v", verb, cut, err)
			}
			if verb == "start" || verb == "restart" || verb == "reset" {
				free(t, r, r.Name)
				if st, _ := a.statuses.get("beta"); !st.State.Up() {
					t.Errorf("%s after %v: beta is %s", verb, cut, st.State)
				}
				_, err := os.Stat(filepath.Join(r.Files.Root.Upper("beta"), "wrote.txt"))
				if there := err == nil; there != (verb != "reset") {
					t.Errorf("%s after %v: the server's file exists: %t", verb, cut, there)
				}
			}
			if err := a.servers.remove(ctx, spec, p); err != nil {
				t.Fatalf("delete after %s after %v: %v", verb, cut, err)
			}
			free(t, r, r.Name)
			free(t, r, "beta")
		}
	}
}

// The host renamed the server without control learning of it, and the server then got another name
// or its old name. Jobs must find the server by its id.
func TestJobsFindServerByIDUnderUnknownName(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	ctx := t.Context()
	if err := a.servers.remove(ctx, r.Spec, a.mute()); err != nil {
		t.Fatal(err)
	}
	for _, names := range [][2]left4me.Name{{"gamma", "alpha"}, {"alpha", ""}} {
		spec := r.Spec
		spec.ID, spec.Name, spec.OldName = "first", names[0], names[1]
		told, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		run := func(kind left4me.JobKind) *job.Progress {
			t.Helper()
			p := a.mute()
			if err := a.runners()[kind](ctx, bus.JobMessage{Kind: kind, Target: spec.Name, Spec: told}, p); err != nil {
				t.Fatalf("%s %v: %v", kind, names, err)
			}
			return p
		}
		for _, kind := range []left4me.JobKind{
			left4me.StartServer, left4me.RestartServer, left4me.ResetServer, left4me.StopServer, left4me.DeleteServer,
		} {
			on := spec
			on.Name = "beta"
			wrote := filepath.Join(r.Files.Root.Upper("beta"), "wrote.txt")
			if err := errors.Join(r.Files.Prepare(ctx, on), os.WriteFile(wrote, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			p := run(kind)
			switch kind {
			case left4me.StopServer:
				if !r.Files.Root.Exists("beta") || r.Files.Root.Exists(spec.Name) {
					t.Errorf("%v: a stop renamed the server", names)
				}
			case left4me.DeleteServer:
			default:
				renamed := func(s left4me.Step) bool { return s.Label == left4me.StepRename && s.State == left4me.StepDone }
				_, err := os.Stat(filepath.Join(r.Files.Root.Upper(spec.Name), "wrote.txt"))
				if st, _ := a.statuses.get(spec.Name); !st.State.Up() || !slices.ContainsFunc(p.Steps(), renamed) ||
					(err == nil) != (kind != left4me.ResetServer) {
					t.Errorf("after %s %v: state %s, the server's file: %v, steps %+v", kind, names, st.State, err, p.Steps())
				}
				free(t, r, "beta")
			}
			run(left4me.DeleteServer)
			for _, n := range []left4me.Name{"alpha", "beta", "gamma"} {
				free(t, r, n)
			}
		}
	}
}

// Restoring a database from a left4me without ids by hand gives a server another id and its earlier
// name. After another rename, the server must still have its files.
func TestServerWithAnotherIDIsFoundByName(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	spec := renamedTo(r, "beta")
	spec.ID = "first"
	removeAfter(t, a, spec)
	before := spec
	before.ID, before.OldName = "before", ""
	wrote := filepath.Join(r.Files.Root.Upper("beta"), "wrote.txt")
	if err := errors.Join(a.servers.remove(t.Context(), r.Spec, a.mute()), r.Files.Prepare(t.Context(), before),
		os.WriteFile(wrote, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := a.servers.start(t.Context(), spec, a.mute()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(wrote); err != nil || r.Files.Root.Owner("beta") != "first" {
		t.Errorf("beta has owner %s, %v", r.Files.Root.Owner("beta"), err)
	}
}

// A start must fail if files exist under both names.
func TestStartRefusesFilesUnderBothNames(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	spec := renamedTo(r, "beta")
	removeAfter(t, a, spec)
	if err := os.MkdirAll(filepath.Join(r.Files.Root.Upper("beta"), "other"), 0o770); err != nil {
		t.Fatal(err)
	}
	err := a.servers.start(t.Context(), spec, a.mute())
	if !errors.Is(err, left4me.Conflict) {
		t.Errorf("got %v, want left4me.Conflict", err)
	}
	for _, n := range []left4me.Name{r.Name, "beta"} {
		if state, _, err := a.servers.core.machine.State(t.Context(), n); state.Up() || err != nil {
			t.Errorf("%s is %s, %v", n, state, err)
		}
	}
	if _, err := os.Stat(r.Files.Root.Env(r.Name)); err != nil {
		t.Error(err)
	}
}

// A job repeated after its server was renamed must not affect a new server with the old name.
func TestLateJobSparesNewServerWithOldName(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	ctx := t.Context()
	late := renamedTo(r, "beta")
	late.ID = "first"
	late.Port = r.Port + 1
	next := r.Spec
	next.ID = "next"
	if err := errors.Join(r.Files.Prepare(ctx, late), a.servers.start(ctx, next, a.mute())); err != nil {
		t.Fatal(err)
	}
	before, _ := a.statuses.get(r.Name)
	for _, c := range []struct {
		verb string
		do   func(context.Context, left4me.Spec, *job.Progress) error
	}{
		{"stop", a.servers.stopServer},
		{"rename", a.servers.rename},
		{"start", a.servers.start},
		{"restart", a.servers.restart},
		{"reset", a.servers.reset},
	} {
		if err := c.do(ctx, late, a.mute()); err != nil {
			t.Errorf("%s: got %v", c.verb, err)
		}
		if st, _ := a.statuses.get(r.Name); st.State != left4me.Running || st.PID != before.PID {
			t.Errorf("after %s of the renamed server: new server is %s with process %d, want %d", c.verb, st.State, st.PID, before.PID)
		}
	}
	if st, _ := a.statuses.get("beta"); !st.State.Up() {
		t.Errorf("the renamed server is %s", st.State)
	}
	all, err := a.statuses.list(ctx)
	if err != nil || len(all) != 2 || all[0].ID != "next" || all[1].ID != "first" {
		t.Errorf("got statuses %+v, %v", all, err)
	}
	if err := a.servers.remove(ctx, late, a.mute()); err != nil {
		t.Error(err)
	}
	if st, _ := a.statuses.get(r.Name); st.State != left4me.Running || !r.Files.Root.Exists(r.Name) || r.Files.Root.Exists("beta") {
		t.Errorf("after the deletion of the renamed server: new server is %s", st.State)
	}
	next.OldName = ""
	if err := a.servers.remove(ctx, next, a.mute()); err != nil {
		t.Error(err)
	}
}

// A stop without a row must find the start of the same server under either name.
func TestStopWithoutRowFindsStartByEitherName(t *testing.T) {
	j := newJobs(&core{}, nil, nil)
	start := bus.JobMessage{ID: "1", Kind: left4me.StartServer, Target: "beta", Spec: []byte(`{"name":"beta","old_name":"alpha"}`)}
	j.begin(start, func(error) {})
	for target, want := range map[left4me.Name]int{"alpha": 1, "beta": 1, "gamma": 0} {
		stop := bus.JobMessage{ID: "2", Kind: left4me.StopServer, Target: target, Spec: []byte(`{"name":"` + string(target) + `"}`)}
		if got := len(j.onServer(namesOf(stop))); got != want {
			t.Errorf("%s: got %d jobs", target, got)
		}
	}
}

// A restarted left4me must find a shim that runs under the old name.
func TestShimUnderOldNameIsFoundAfterRestart(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	first := newWorker(t, r)
	if err := first.servers.start(t.Context(), r.Spec, first.mute()); err != nil {
		t.Fatal(err)
	}
	c, err := shim.Dial(t.Context(), shim.Socket(r.Run, r.Name))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	next := newWorker(t, r)
	spec := renamedTo(r, "beta")
	removeAfter(t, next, spec)
	all, err := next.statuses.list(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != r.Name || !all[0].State.Up() {
		t.Fatalf("got %+v, %v", all, err)
	}
	if err := next.servers.restart(t.Context(), spec, next.mute()); err != nil {
		t.Fatal(err)
	}
	free(t, r, r.Name)
}

// A deleted server's files are set aside under a name derived from its id. They do not count as a server on the host,
// and the first start after the restore renames them back.
func TestDeletedServerKeepsFilesUntilRestored(t *testing.T) {
	t.Parallel()
	r := shimtest.NewRoot(t)
	a := newWorker(t, r)
	ctx := t.Context()
	spec := r.Spec
	spec.ID = "000000000000000000000abc"
	kept := left4me.KeptName(spec.ID)
	if err := a.servers.start(ctx, spec, a.mute()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Files.Root.Upper(r.Name), "kept.txt"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	remove := func() *job.Progress {
		t.Helper()
		p := a.mute()
		p.Plan(slices.Concat(stopSteps, []string{left4me.StepKeepFiles})...)
		if err := a.servers.remove(ctx, spec, p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if s := remove().Steps()[2]; s.Progress.Done < 4 {
		t.Errorf("the step says %+v, want the size of the files", s)
	}
	free(t, r, r.Name)
	remove() // as after a kill before the report
	if all, err := a.statuses.list(ctx); err != nil || len(all) != 0 {
		t.Errorf("a deleted server has statuses: %+v, %v", all, err)
	}

	restored := spec
	restored.Name, restored.OldName = "beta", kept
	if err := a.servers.start(ctx, restored, a.mute()); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(r.Files.Root.Upper("beta"), "kept.txt")); string(b) != "kept" {
		t.Errorf("the file of the restored server contains %q, %v", b, err)
	}
	free(t, r, kept)

	spec = restored
	remove()
	free(t, r, "beta")
	if _, err := a.servers.removeKept(ctx, bus.KeptRequest{V: bus.Version, ID: spec.ID}); err != nil {
		t.Fatal(err)
	}
	free(t, r, kept)
	if _, err := a.servers.removeKept(ctx, bus.KeptRequest{V: bus.Version, ID: "../.."}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("an id that is none: %v", err)
	}
}
