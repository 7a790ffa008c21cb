package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/gamefiles/install"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/steamapi"
)

// newest is the first build number of the simulated Steam.
const newest = 15800000

// depot is a host with an agent and SteamCMD. It answers for control on the bus.
type depot struct {
	*shimtest.Root
	t     *testing.T
	bus   *bus.Bus
	agent *Agent
	api   *steamapi.Server
	url   string
	stop  func()

	mu      sync.Mutex
	running map[left4me.JobID]bus.JobReport
	ended   map[left4me.JobID]bus.JobReport
	jobs    int
}

// newDepot returns a host without a game.
func newDepot(t *testing.T, steam ...string) *depot {
	t.Helper()
	return newDepotIn(t, shimtest.NewRoot(t), steam...)
}

func newDepotIn(t *testing.T, root *shimtest.Root, steam ...string) *depot {
	t.Helper()
	d := &depot{Root: root, t: t, running: map[left4me.JobID]bus.JobReport{}, ended: map[left4me.JobID]bus.JobReport{}}
	if err := errors.Join(os.RemoveAll(d.Files.Root.Installation()), os.MkdirAll(d.home(), 0o755)); err != nil {
		t.Fatal(err)
	}
	d.steam(steam...)
	d.api = steamapi.New(steamapi.State{})
	api := httptest.NewServer(d.api)
	t.Cleanup(api.Close)
	d.url = api.URL
	b, err := bus.Open(t.Context(), filepath.Join(string(d.Root.Root), "bus"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	d.bus = b
	err = b.Answer(t.Context(), bus.Ask("local", "*"), func(_ context.Context, subject string, data []byte) (any, error) {
		if bus.VerbOf(subject) == bus.VerbClaim {
			return bus.ClaimAnswer{V: bus.Version, Verdict: bus.Go}, nil
		}
		return bus.Empty{}, d.record(d.ended, data)
	})
	if err == nil {
		err = b.Listen(t.Context(), bus.Broadcast("local", bus.KindJob), func(_ string, data []byte) { _ = d.record(d.running, data) })
	}
	if err != nil {
		t.Fatal(err)
	}
	d.serve()
	t.Cleanup(func() {
		for _, n := range []left4me.Name{"alpha", "beta"} {
			_ = d.agent.core.machine.Stop(context.Background(), n)
			_ = d.agent.core.machine.Empty(context.Background(), n)
		}
		if err := d.agent.core.machine.StopInstall(context.Background()); err != nil {
			t.Error(err)
		}
		d.stop()
		if err := d.DiscardInstall(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *depot) home() string { return filepath.Join(string(d.Root.Root), "home") }

// steam writes a simulated SteamCMD that offers what vars describe.
func (d *depot) steam(vars ...string) {
	d.t.Helper()
	vars = append([]string{
		"SIM_STEAM_SRCDS=" + shimtest.Srcds(), "SIM_STEAM_TICK=20ms", "SIM_STEAM_FILES=20", "SIM_STEAM_GAME=1",
		"SIM_STEAM_ANONYMOUS=1",
	}, vars...)
	out, err := exec.Command(shimtest.SteamCMD(),
		append([]string{"lay", filepath.Join(string(d.Root.Root), "steam/steamcmd")}, vars...)...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v\n%s", err, out)
	}
}

func (d *depot) record(where map[left4me.JobID]bus.JobReport, data []byte) error {
	var r bus.JobReport
	if err := bus.Decode(data, &r); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	where[r.ID] = r
	return nil
}

// serve starts an agent. stop ends the agent and leaves its jobs unfinished.
func (d *depot) serve() {
	d.t.Helper()
	sup := process.New(process.Config{Root: d.Root.Root, Run: d.Run, Exe: shimtest.Exe(), Env: d.Environ()})
	a, err := New(Config{
		Host: "local", Files: d.Files, Sockets: d.Run, Version: "test",
		Steam: SteamConfig{Home: d.home(), API: d.url}, Downloads: download.Options{Allow: []string{strings.TrimPrefix(d.url, "http://")}},
	}, sup, d.bus, slog.New(slog.NewTextHandler(d.t.Output(), nil)))
	if err != nil {
		d.t.Fatal(err)
	}
	d.agent = a
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	select {
	case <-a.Ready():
	case err := <-done:
		done <- nil // for stop
		d.t.Fatalf("the agent ended: %v", err)
	}
}

// ask adds a job to the queue.
func (d *depot) ask(kind left4me.JobKind, target left4me.Name, spec any) left4me.JobID {
	d.t.Helper()
	d.jobs++
	id := left4me.JobID(fmt.Sprint("job", d.jobs))
	b, err := json.Marshal(spec)
	if err == nil {
		err = d.bus.Enqueue(d.t.Context(), "local", bus.JobMessage{V: bus.Version, ID: id, Kind: kind, Target: target, Spec: b})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// end waits for the end of a job.
func (d *depot) end(id left4me.JobID) (r bus.JobReport) {
	d.t.Helper()
	shimtest.Until(d.t, "the job ends", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		var ok bool
		r, ok = d.ended[id]
		return ok
	})
	return r
}

// during waits until a job runs the step and its progress has reached done.
func (d *depot) during(id left4me.JobID, label string, done int64) {
	d.t.Helper()
	shimtest.Until(d.t, "the job is at "+label, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		if r, ok := d.ended[id]; ok {
			d.t.Fatalf("the job has ended: %+v\n%s", r, strings.Join(r.Log, "\n"))
		}
		s := stepOf(d.running[id], label)
		return s.State == left4me.StepRunning && s.Progress.Done >= done
	})
}

func stepOf(r bus.JobReport, label string) left4me.Step {
	for _, s := range r.Steps {
		if s.Label == label {
			return s
		}
	}
	return left4me.Step{}
}

// do runs a job on the game and requires it to succeed.
func (d *depot) do(kind left4me.JobKind) bus.JobReport {
	d.t.Helper()
	return d.done(d.ask(kind, "local", left4me.GameSpec{}))
}

func (d *depot) done(id left4me.JobID) bus.JobReport {
	d.t.Helper()
	r := d.end(id)
	if r.State != left4me.JobDone {
		d.t.Fatalf("%s: got %+v, %v\n%s", id, r.Steps, r.Error, strings.Join(r.Log, "\n"))
	}
	return r
}

// server runs a job on a server and requires it to succeed.
func (d *depot) server(kind left4me.JobKind, n left4me.Name) {
	d.t.Helper()
	d.done(d.ask(kind, n, left4me.Spec{Name: n, Port: d.Port, Settings: left4me.Settings{Hostname: "Alpha"}}))
}

func (d *depot) game() (g left4me.Game) {
	d.t.Helper()
	if err := d.bus.Request(d.t.Context(), bus.Command("local", bus.VerbGame), bus.Empty{}, &g); err != nil {
		d.t.Fatal(err)
	}
	return g
}

func (d *depot) status(n left4me.Name) left4me.Status {
	d.t.Helper()
	all, err := d.agent.statuses.list(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s left4me.Status) bool { return s.Name == n })
	if i < 0 {
		d.t.Fatalf("no %s in %+v", n, all)
	}
	return all[i]
}

// nothingLeft checks that an installation left no files and no SteamCMD process.
func (d *depot) nothingLeft() {
	d.t.Helper()
	for _, name := range []string{
		"runtime/left4me-install/upper", "runtime/left4me-install/work",
		"instances/left4me-install/request.json",
	} {
		if _, err := os.Lstat(filepath.Join(string(d.Root.Root), name)); !errors.Is(err, fs.ErrNotExist) {
			d.t.Errorf("%s: got %v", name, err)
		}
	}
	if pids := d.steamcmds(); len(pids) > 0 {
		d.t.Errorf("SteamCMD still runs: %v", pids)
	}
}

// steamcmds returns the SteamCMD processes of this host.
func (d *depot) steamcmds() (pids []string) {
	own := filepath.Join(string(d.Root.Root), "steam/steamcmd")
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range all {
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), own) {
			pids = append(pids, filepath.Base(filepath.Dir(name))+" "+strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return pids
}

func (d *depot) layers() []string {
	entries, _ := os.ReadDir(d.Files.Root.Installation())
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestGameInstallUpdateAndRollBack(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1")
	r := d.do(left4me.InstallGame)
	if s := stepOf(r, left4me.StepDownload); s.State != left4me.StepDone || s.Progress.Unit != "bytes" || s.Progress.Done == 0 {
		t.Errorf("download: %+v", s)
	}
	if len(r.Log) == 0 {
		t.Error("the job's log lacks the output of SteamCMD")
	}
	g := d.game()
	if g.Current != newest+1 || len(g.Builds) != 1 || !slices.Equal(g.Builds[0].Layers, []string{"base"}) || g.Builds[0].Version == "" ||
		g.Builds[0].Bytes == 0 || g.SteamCMD == "" {
		t.Fatalf("installed: %+v", g)
	}
	if to, err := os.Readlink(filepath.Join(d.home(), ".steam/sdk32")); err != nil || !strings.HasSuffix(to, "linux32") {
		t.Errorf("sdk32 points to %q, %v", to, err)
	}
	d.server(left4me.StartServer, "alpha")
	if st := d.status("alpha"); st.Build != newest+1 {
		t.Errorf("alpha runs on build %d", st.Build)
	}

	// Update while the server runs.
	d.steam("SIM_STEAM_BUILD=2")
	d.do(left4me.UpdateGame)
	g = d.game()
	if g.Current != newest+2 || len(g.Builds) != 2 || !slices.Equal(g.Builds[1].Servers, []left4me.Name{"alpha"}) ||
		len(g.Builds[0].Servers) != 0 {
		t.Fatalf("updated: %+v", g)
	}
	if st := d.status("alpha"); st.Build != newest+1 || st.State != left4me.Running {
		t.Errorf("alpha is %s on build %d", st.State, st.Build)
	}
	d.server(left4me.RestartServer, "alpha")
	if st := d.status("alpha"); st.Build != newest+2 {
		t.Errorf("alpha runs on build %d after the restart", st.Build)
	}

	// No new build and no damaged files.
	before := d.layers()
	for _, kind := range []left4me.JobKind{left4me.UpdateGame, left4me.VerifyGame, left4me.InstallGame} {
		r := d.do(kind)
		if s := stepOf(r, left4me.StepPublish); s.State != left4me.StepSkipped || !strings.Contains(s.Note, "up to date") {
			t.Errorf("%s: got %+v", kind, s)
		}
	}
	if after := d.layers(); !slices.Equal(after, before) {
		t.Errorf("layers %q became %q", before, after)
	}
	d.nothingLeft()

	// Verify after a file was damaged.
	if err := os.WriteFile(filepath.Join(d.Files.Root.Installation(), "base/left4dead2/gameinfo.txt"), []byte("damaged"),
		0o644); err != nil {
		t.Fatal(err)
	}
	r = d.do(left4me.VerifyGame)
	g = d.game()
	if g.Builds[0].Build != newest+2 || len(g.Builds[0].Layers) != 3 {
		t.Errorf("after the repair: %+v\n%+v", g.Builds, r.Steps)
	}

	r = d.do(left4me.RollbackGame)
	if g = d.game(); g.Current != newest+1 || !g.Pinned {
		t.Errorf("after the rollback: %+v", g)
	}
	if r := d.end(d.ask(left4me.UpdateGame, "local", left4me.GameSpec{})); r.State != left4me.JobFailed || r.Error == nil ||
		!strings.Contains(r.Error.Text, "pinned") {
		t.Errorf("update of a pinned build: %+v", r)
	}
	var pinned left4me.Game
	if err := d.bus.Request(t.Context(), bus.Command("local", bus.VerbPin), bus.PinRequest{V: 1}, &pinned); err != nil || pinned.Pinned {
		t.Errorf("got %+v, %v", pinned, err)
	}
	d.steam("SIM_STEAM_BUILD=3")
	d.do(left4me.CheckGame)
	if g = d.game(); g.Latest != newest+3 || !g.Outdated || g.CheckedAt.IsZero() ||
		!strings.Contains(g.CheckNote, "does not report which version") {
		t.Errorf("checked: %+v", g)
	}
	d.do(left4me.UpdateGame)
	d.server(left4me.RestartServer, "alpha")
	d.steam("SIM_STEAM_BUILD=4")
	d.do(left4me.UpdateGame)
	d.server(left4me.StopServer, "alpha")
	d.do(left4me.FlattenGame)
	g = d.game()
	if len(g.Builds) != 2 || len(g.Builds[0].Layers) != 2 || len(g.Builds[1].Layers) != 1 {
		t.Errorf("merged: %+v", g.Builds)
	}
	if got := d.layers(); len(got) != 3 { // and builds.json
		t.Errorf("got files %q", got)
	}
	d.server(left4me.StartServer, "alpha")
	if st := d.status("alpha"); st.Build != newest+4 {
		t.Errorf("alpha runs on build %d", st.Build)
	}
	d.nothingLeft()
}

// The installation re-executes itself when it gives up its privileges. It must stay visible during
// that time, or it would be killed as an orphan.
func TestInstallationIsVisibleWhileItRuns(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1")
	for i := range 8 {
		if _, err := d.agent.game.updates.stage(t.Context(),
			install.Request{ID: left4me.JobID(fmt.Sprint("seen", i)), Latest: true}); err != nil {
			t.Fatal(err)
		}
		for up := true; up; {
			_, up = shim.Shim(d.Run, left4me.InstallInstance)
		}
		ended := func(context.Context) (bool, error) { return false, nil }
		if r, err := install.Follow(t.Context(), install.ProgressFile(d.Root.Root), ended, func(install.Line) {}); err != nil || r == nil {
			t.Fatalf("run %d has not ended, but its process is not visible: %v", i, err)
		}
	}
}

// slow returns a host whose second build takes some time to download.
func slow(t *testing.T) *depot {
	t.Helper()
	d := newDepot(t, "SIM_STEAM_BUILD=1", "SIM_STEAM_SIZE=8M", "SIM_STEAM_CHANGED=50")
	d.do(left4me.InstallGame)
	d.steam("SIM_STEAM_BUILD=2", "SIM_STEAM_SIZE=8M", "SIM_STEAM_CHANGED=50", "SIM_STEAM_RATE=750K")
	return d
}

// unchanged checks that the given build and layers are unchanged and that nothing else is left.
func (d *depot) unchanged(build int64, layers []string) {
	d.t.Helper()
	if g := d.game(); g.Current != newest+build || len(g.Builds) != 1 {
		d.t.Errorf("got %+v", g)
	}
	if got := d.layers(); !slices.Equal(got, layers) {
		d.t.Errorf("layers %q became %q", layers, got)
	}
	d.nothingLeft()
}

func TestCancelledUpdateLeavesNothing(t *testing.T) {
	t.Parallel()
	d := slow(t)
	layers := d.layers()
	id := d.ask(left4me.UpdateGame, "local", left4me.GameSpec{})
	d.during(id, left4me.StepDownload, 100_000)
	begin := time.Now()
	if err := d.bus.Request(t.Context(), bus.Command("local", bus.VerbCancel), bus.CancelRequest{V: 1, ID: id}, nil); err != nil {
		t.Fatal(err)
	}
	if r := d.end(id); r.State != left4me.JobCancelled {
		t.Errorf("%s: got %v", r.State, r.Error)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the cancellation took %v", took)
	}
	d.unchanged(1, layers)
}

func TestUpdateContinuesWithoutAgent(t *testing.T) {
	t.Parallel()
	d := slow(t)
	id := d.ask(left4me.UpdateGame, "local", left4me.GameSpec{})
	d.during(id, left4me.StepDownload, 100_000)
	installer, up := shim.Shim(d.Run, left4me.InstallInstance)
	if !up {
		t.Fatal("no installation is running")
	}
	d.stop()
	d.serve()
	d.during(id, left4me.StepDownload, 500_000)
	if again, up := shim.Shim(d.Run, left4me.InstallInstance); !up || again != installer {
		t.Errorf("process %d installs, want process %d", again, installer)
	}
	d.stop()
	// The installation ends while no agent follows it.
	shimtest.Until(t, "SteamCMD is done", func() bool { _, up := shim.Shim(d.Run, left4me.InstallInstance); return !up })
	d.serve()
	d.done(id)
	if g := d.game(); g.Current != newest+2 {
		t.Errorf("got %+v", g)
	}
	d.nothingLeft()
}

func TestKilledInstallerLeavesNothing(t *testing.T) {
	t.Parallel()
	d := slow(t)
	layers := d.layers()
	id := d.ask(left4me.UpdateGame, "local", left4me.GameSpec{})
	d.during(id, left4me.StepDownload, 100_000)
	pid, _ := shim.Shim(d.Run, left4me.InstallInstance)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := d.end(id); r.State != left4me.JobFailed || r.Error == nil || r.Error.Text == "" {
		t.Errorf("got %+v", r)
	}
	d.unchanged(1, layers)
	// Simulate the files that a power failure leaves behind.
	if err := errors.Join(
		os.MkdirAll(filepath.Join(d.Files.Root.Upper(left4me.InstallInstance), "left4dead2"), 0o755),
		os.WriteFile(filepath.Join(d.Files.Root.Upper(left4me.InstallInstance), "left4dead2/half"), nil, 0o644),
		os.MkdirAll(filepath.Join(d.Files.Root.Installation(), fmt.Sprintf("update-%d/half", newest+2)), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	d.steam("SIM_STEAM_BUILD=2", "SIM_STEAM_SIZE=8M", "SIM_STEAM_CHANGED=50")
	d.do(left4me.UpdateGame)
	for _, l := range d.game().Builds[0].Layers {
		for _, half := range []string{"half", "left4dead2/half"} {
			if _, err := os.Lstat(filepath.Join(d.Files.Root.Installation(), l, half)); err == nil {
				t.Errorf("partial file %s was published in %s", half, l)
			}
		}
	}
}

// A download is resumed if it was interrupted because the connection to Steam was lost.
func TestInterruptedDownloadIsResumed(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1", "SIM_STEAM_FAULT=lie")
	if r := d.end(d.ask(left4me.InstallGame, "local", left4me.GameSpec{})); r.State != left4me.JobFailed || r.Error == nil {
		t.Fatalf("got %+v", r)
	}
	if g := d.game(); g.Current != 0 || len(g.Builds) != 0 {
		t.Errorf("an incomplete build was installed: %+v", g)
	}
	d.nothingLeft()
	d.steam("SIM_STEAM_BUILD=1", "SIM_STEAM_FAULT=mute:1")
	if r := d.end(d.ask(left4me.InstallGame, "local", left4me.GameSpec{})); r.State != left4me.JobFailed ||
		!strings.Contains(r.Error.Text, "exit code 1 before SteamCMD printed anything") || !strings.Contains(r.Error.Hint, "lib32gcc-s1") {
		t.Fatalf("SteamCMD that cannot run: %+v", r.Error)
	}
	d.nothingLeft()
	d.steam("SIM_STEAM_BUILD=1", "SIM_STEAM_FAULT=offline")
	if r := d.end(d.ask(left4me.InstallGame, "local", left4me.GameSpec{})); r.State != left4me.JobFailed ||
		!strings.Contains(r.Error.Text, "could not reach Steam") {
		t.Fatalf("got %+v", r.Error)
	}
	d.steam("SIM_STEAM_BUILD=1")
	r := d.do(left4me.InstallGame)
	if s := stepOf(r, left4me.StepStage); !strings.Contains(s.Note, "resuming") {
		t.Errorf("got %+v", s)
	}
	d.nothingLeft()
}

// smallDisk makes temporary directories be created on a file system of the given size. It reports
// whether that is possible here.
func smallDisk(t *testing.T, size string) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Logf("cannot mount a small disk: %v", err)
		return false
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	t.Setenv("TMPDIR", dir)
	return true
}

func TestFullDiskKeepsOldBuild(t *testing.T) {
	if !smallDisk(t, "64m") {
		t.Skip("mounting a small disk requires root")
	}
	d := newDepot(t, "SIM_STEAM_BUILD=1", "SIM_STEAM_SIZE=4M")
	d.do(left4me.InstallGame)
	layers := d.layers()
	d.steam("SIM_STEAM_BUILD=2", "SIM_STEAM_SIZE=300M", "SIM_STEAM_CHANGED=100", "SIM_STEAM_RATE=20M")
	r := d.end(d.ask(left4me.UpdateGame, "local", left4me.GameSpec{}))
	if r.State != left4me.JobFailed || r.Error == nil || !strings.Contains(r.Error.Text, "disk") {
		t.Errorf("%s: got %v", r.State, r.Error)
	}
	t.Log(r.Error)
	d.unchanged(1, layers)
}

func TestGameJobsAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	shimtest.AsUser(t, "^TestGameInstallUpdateAndRollBack")
}

// Steam may report the required version, the newest build, both or neither. A missing answer must
// not count as "up to date".
func TestGameCheckReportsMissingAnswers(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1")
	d.do(left4me.InstallGame)
	d.steam("SIM_STEAM_BUILD=1", "SIM_STEAM_INFO=hidden")
	d.do(left4me.CheckGame)
	g := d.game()
	if g.Outdated || g.Latest != newest+1 || !strings.Contains(g.CheckNote, "does not report which version") ||
		!strings.Contains(g.CheckNote, "newest build is unknown") {
		t.Errorf("neither version nor build known: %+v", g)
	}
	d.api.Change(func(s *steamapi.State) { s.Versions = map[int]int{gameApp: 999999} })
	d.do(left4me.CheckGame)
	if g := d.game(); !g.Outdated || !strings.Contains(g.CheckNote, "999999") {
		t.Errorf("another version required: %+v", g)
	}
	d.nothingLeft()
}

// A job on the game can be cancelled while it waits for another job.
func TestWaitingGameJobCanBeCancelled(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.agent.game.working <- struct{}{}
	id := d.ask(left4me.FlattenGame, "local", left4me.GameSpec{})
	shimtest.Until(t, "the job is cancelled", func() bool {
		_ = d.bus.Request(t.Context(), bus.Command("local", bus.VerbCancel), bus.CancelRequest{V: bus.Version, ID: id}, nil)
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.ended[id].State == left4me.JobCancelled
	})
	<-d.agent.game.working
}

// Until the shim has answered, the supervisor's state must be shown. If the server appeared as
// stopped, a client could start it again.
func TestFoundServerIsNotShownAsStopped(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "SIM_STEAM_BUILD=1")
	d.do(left4me.InstallGame)
	d.server(left4me.StartServer, "alpha")
	d.stop()
	sup := process.New(process.Config{Root: d.Root.Root, Run: d.Run, Exe: shimtest.Exe(), Env: d.Environ()})
	a, err := New(d.agent.core.Config, sup, d.bus, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	a.core.group, a.core.ctx = errgroup.WithContext(ctx)
	a.statuses.sweep(ctx)
	all, err := a.statuses.list(ctx)
	if err != nil || len(all) != 1 || !all[0].State.Up() {
		t.Errorf("got %+v, %v, want one server that is up", all, err)
	}
	cancel()
	if err := a.core.group.Wait(); err != nil {
		t.Error(err)
	}
	d.serve()
}
