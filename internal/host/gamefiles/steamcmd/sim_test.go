package steamcmd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/sim/programs"
)

// program is the path of the simulated SteamCMD.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

// driveVar makes the test program run an update, so that a test can kill it.
const driveVar = "STEAMCMD_TEST_DRIVE"

func buildAndRun(m *testing.M) int {
	if dir := os.Getenv(driveVar); dir != "" {
		tool := steamcmd.Tool{Script: filepath.Join(dir, "steamcmd", "steamcmd.sh"), Home: filepath.Join(dir, "home")}
		_, err := tool.Update(context.Background(), steamcmd.Update{Dir: filepath.Join(dir, "game")},
			func(e steamcmd.Event) { fmt.Println(e.Line) })
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "steamcmd")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built, err := programs.Build(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(built, "steamcmd")
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// rig holds a simulated SteamCMD and a directory for the game.
type rig struct {
	tool   steamcmd.Tool
	update steamcmd.Update

	mu     sync.Mutex
	events []steamcmd.Event
}

// newRig creates a rig whose SteamCMD behaves as vars describe.
func newRig(t *testing.T, vars ...string) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{
		tool: steamcmd.Tool{
			Script: filepath.Join(dir, "steamcmd", "steamcmd.sh"), Home: filepath.Join(dir, "home"),
			Limits: steamcmd.Limits{Silence: time.Minute, Pause: 10 * time.Millisecond, Tries: 3},
		},
		update: steamcmd.Update{Dir: filepath.Join(dir, "game")},
	}
	if err := os.Mkdir(r.update.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r.now(t, vars...)
	return r
}

// now changes the behaviour of SteamCMD.
func (r *rig) now(t *testing.T, vars ...string) {
	t.Helper()
	vars = append([]string{"SIM_STEAM_SIZE=200K", "SIM_STEAM_FILES=20", "SIM_STEAM_GAME=1", "SIM_STEAM_TICK=20ms"}, vars...)
	if out, err := exec.Command(program, append([]string{"lay", filepath.Dir(r.tool.Script)}, vars...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func (r *rig) record(e steamcmd.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// log returns all steps, notes and lines so far.
func (r *rig) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.events {
		fmt.Fprintf(&b, "%s|%s|%s\n", e.Step, e.Note, e.Line)
	}
	return b.String()
}

func (r *rig) run(t *testing.T) (steamcmd.Manifest, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return r.tool.Update(ctx, r.update, r.record)
}

// installed runs an update and requires it to install the given build.
func (r *rig) installed(t *testing.T, build int64) {
	t.Helper()
	m, err := r.run(t)
	if err != nil || m.Build != build {
		t.Fatalf("build %d, %v\n%s", m.Build, err, r.log())
	}
	if _, err := steamcmd.Judge(r.update.Dir, steamcmd.App); err != nil {
		t.Fatal(err)
	}
}

func TestGameIsInstalledForWindowsFirstWhenLinuxIsRefused(t *testing.T) {
	r := newRig(t)
	r.installed(t, 15800001)
	log := r.log()
	for _, want := range []string{
		"find SteamCMD|SteamCMD is updating itself|", "log in to Steam|next pass, for linux|", "(Invalid platform)",
		"trying the files for Windows first", "log in to Steam||Connecting anonymously",
		"verify files||Update state (0x5)", "download||Update state (0x61)", "write files||Update state (0x101)", "fully installed",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the events lack %q", want)
		}
	}
	if strings.Contains(log, "\x1b") || strings.Contains(log, "\r") {
		t.Error("the lines contain control characters")
	}
	if t.Failed() {
		t.Log(log)
	}
	r.now(t, "SIM_STEAM_BUILD=2")
	r.installed(t, 15800002) // the normal procedure works now
}

func TestProgressHasBytesAndRate(t *testing.T) {
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_SIZE=2M", "SIM_STEAM_RATE=4M")
	r.installed(t, 15800001)
	var seen bool
	for _, e := range r.events {
		p := e.Progress
		if p.Done > p.Total && p.Total > 0 || p.Rate < 0 {
			t.Errorf("progress %+v", p)
		}
		seen = seen || e.Step == left4me.StepDownload && p.Rate > 64<<10 && p.Rate < 64<<20 && p.Total > 1<<20 && p.Unit == "bytes"
	}
	if !seen {
		t.Errorf("no progress with a plausible rate\n%s", r.log())
	}
}

func TestOwnerAccountIsTriedLast(t *testing.T) {
	const secret = "cr0wbar $with blanks"
	r := newRig(t, "SIM_STEAM_ACCOUNT=gordon:"+secret+":R2D2C", "SIM_STEAM_FAULT=reason:No subscription", "SIM_STEAM_FAULT_TIMES=2")
	r.update.Account = steamcmd.Account{User: "gordon", Password: secret, Guard: "R2D2C"}
	r.installed(t, 15800001)
	if log := r.log(); !strings.Contains(log, "Logging in user 'gordon'") {
		t.Errorf("got %s", log)
	}
	left, _ := filepath.Glob(filepath.Join(r.tool.Home, ".left4me-run-*"))
	if len(left) > 0 {
		t.Errorf("files with the password were left: %v", left)
	}
}

func TestPasswordsAreHidden(t *testing.T) {
	r := newRig(t)
	dir := filepath.Dir(r.tool.Script)
	// A SteamCMD that prints its arguments and its command file.
	write(t, r.tool.Script, `#!/bin/sh
echo "Steam Console Client (c) Valve Corporation - version 1"
echo "arguments $*"
stat -c 'mode %a' "$2"
cat "$2"
echo "FAILED (Invalid Password) of cr0wbar"
exit 5
`, 0o755)
	_ = os.RemoveAll(filepath.Join(dir, "linux32"))
	r.tool.Limits.Tries = 1
	_, err := r.tool.LatestFor(t.Context(), steamcmd.Account{User: "gordon", Password: "cr0wbar", Guard: "R2D2C"}, steamcmd.App, "")
	if !errors.Is(err, steamcmd.BadPassword) || strings.Contains(err.Error(), "cr0wbar") {
		t.Errorf("got %v", err)
	}
	r.update.Account = steamcmd.Account{User: "gordon", Password: "cr0wbar", Guard: "R2D2C"}
	write(t, r.tool.Script, strings.ReplaceAll(`#!/bin/sh
echo "Steam Console Client (c) Valve Corporation - version 1"
case "$*" in *anonymous*) echo "ERROR! Failed to install app '222860' (No subscription)"; exit 8 ;; esac
echo "arguments $*"
stat -c 'mode %a' "$2"
cat "$2"
exit 5
`, "\r", ""), 0o755)
	_, err = r.run(t)
	log := r.log()
	if !errors.Is(err, steamcmd.LoginRefused) || !strings.Contains(log, "mode 600") ||
		!strings.Contains(log, `login "gordon" "(hidden)" "(hidden)"`) {
		t.Errorf("%v\n%s", err, log)
	}
	if strings.Contains(log+err.Error(), "cr0wbar") || strings.Contains(log, "R2D2C") {
		t.Errorf("%v\n%s", err, log)
	}
}

func TestAccountsWithCommandsAreRejected(t *testing.T) {
	r := newRig(t)
	for _, a := range []steamcmd.Account{
		{User: "a\nquit"},
		{User: "a b"},
		{User: "+quit"},
		{User: "a", Password: `x" "y`},
		{User: "a", Password: "x\nquit"},
		{User: "a", Password: "x", Guard: "1 2"},
		{Password: "x"},
	} {
		r.update.Account = a
		if _, err := r.run(t); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%q: got %v", a, err)
		}
	}
}

// Every known failure of SteamCMD must lead to an error that explains it.
func TestFailuresAreExplained(t *testing.T) {
	for name, c := range map[string]struct {
		vars  string
		cause steamcmd.Cause
		text  string
	}{
		"offline":              {"SIM_STEAM_FAULT=offline", steamcmd.Offline, "SteamCMD could not reach Steam"},
		"offline, no output":   {"SIM_STEAM_FAULT=mute:254", steamcmd.Offline, "SteamCMD could not reach Steam"},
		"ends without output":  {"SIM_STEAM_FAULT=mute:1", steamcmd.NotStarted, "exit code 1 before SteamCMD printed anything"},
		"no connection":        {"SIM_STEAM_FAULT=no-connection", steamcmd.Offline, "SteamCMD could not reach Steam: No Connection"},
		"too many logins":      {"SIM_STEAM_FAULT=rate-limit", steamcmd.RateLimited, "too many"},
		"refused for Linux":    {"SIM_STEAM_FAULT=reason:Invalid platform", steamcmd.WrongPlatform, "LEFT4ME_STEAM_USER"},
		"no subscription":      {"SIM_STEAM_FAULT=reason:No subscription", steamcmd.NoSubscription, "No subscription"},
		"disk full, by state":  {"SIM_STEAM_FAULT=state:0x202 SIM_STEAM_FAULT_AT=90", steamcmd.DiskFull, "disk full"},
		"disk full, by reason": {"SIM_STEAM_FAULT=reason:Not enough disk space", steamcmd.DiskFull, "disk full"},
		"write failed":         {"SIM_STEAM_FAULT=state:0x606", steamcmd.WriteFailed, "could not write"},
		"connection lost":      {"SIM_STEAM_FAULT=state:0x402 SIM_STEAM_FAULT_AT=0", steamcmd.Offline, "could not reach Steam"},
		"corrupt":              {"SIM_STEAM_FAULT=state:0x6A6", steamcmd.Corrupt, "damaged or missing"},
		"missing files":        {"SIM_STEAM_FAULT=lie", steamcmd.Corrupt, "the file srcds_run is missing"},
		"no app info":          {"SIM_STEAM_FAULT=appinfo", steamcmd.NoAppInfo, "no information"},
		"killed":               {"SIM_STEAM_FAULT=kill:KILL", steamcmd.Killed, "SteamCMD was killed"},
		"crashed":              {"SIM_STEAM_FAULT=kill:SEGV", steamcmd.Crashed, "SteamCMD crashed"},
		"no message":           {"SIM_STEAM_FAULT=exit:3 SIM_STEAM_INFO=hidden", "", ""},
		"unknown reason":       {"SIM_STEAM_FAULT=reason:Cosmic rays", steamcmd.Unexplained, "Cosmic rays"},
		"still pending":        {"SIM_STEAM_FAULT=state:0x6", steamcmd.Pending, "unfinished"},
		"noise between lines":  {"SIM_STEAM_FAULT=noise", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := []string{"SIM_STEAM_ANONYMOUS=1"}
			for _, v := range strings.Split(c.vars, " SIM_") {
				vars = append(vars, "SIM_"+strings.TrimPrefix(v, "SIM_"))
			}
			r := newRig(t, vars...)
			_, err := r.run(t)
			if c.cause == "" {
				if err != nil {
					t.Errorf("%v\n%s", err, r.log())
				}
				return
			}
			e, public := left4me.Public(err)
			if !public || !errors.Is(err, c.cause) || !strings.Contains(e.Error(), c.text) || e.Hint == "" {
				t.Errorf("%v\n%s", err, r.log())
			}
		})
	}
}

func TestTemporaryFailuresAreRetried(t *testing.T) {
	for name, vars := range map[string][]string{
		"offline twice":       {"SIM_STEAM_FAULT=offline", "SIM_STEAM_FAULT_TIMES=2"},
		"connection lost":     {"SIM_STEAM_FAULT=state:0x402", "SIM_STEAM_FAULT_TIMES=2"},
		"crash":               {"SIM_STEAM_FAULT=kill:SEGV", "SIM_STEAM_FAULT_TIMES=1"},
		"damaged":             {"SIM_STEAM_FAULT=damaged"},
		"wrong platform once": {"SIM_STEAM_FAULT=reason:Invalid platform", "SIM_STEAM_FAULT_TIMES=1"},
		"app info is stale":   {"SIM_STEAM_FAULT=stale-cache"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, append(vars, "SIM_STEAM_ANONYMOUS=1")...)
			write(t, filepath.Join(r.tool.Home, "Steam", "appcache", "appinfo.vdf"), "old", 0o644)
			r.installed(t, 15800001)
		})
	}
}

// The old build is complete on disk. A failed update must not be reported as a success because of
// it.
func TestFailedUpdateIsNotHiddenByOldBuild(t *testing.T) {
	r := newRig(t)
	r.installed(t, 15800001)
	r.now(t, "SIM_STEAM_BUILD=2", "SIM_STEAM_FAULT=no-connection")
	if _, err := r.run(t); !errors.Is(err, steamcmd.Offline) {
		t.Errorf("got %v, want Offline", err)
	}
	r.now(t, "SIM_STEAM_BUILD=2", "SIM_STEAM_FAULT=exit:1")
	r.installed(t, 15800002) // the exit code alone is not a failure
}

func TestValidateRepairsFiles(t *testing.T) {
	r := newRig(t)
	r.installed(t, 15800001)
	if err := os.Remove(filepath.Join(r.update.Dir, "srcds_run")); err != nil {
		t.Fatal(err)
	}
	r.installed(t, 15800001) // SteamCMD reports "already up to date", although a file is missing
	if err := os.WriteFile(filepath.Join(r.update.Dir, "left4dead2/gameinfo.txt"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.update.Validate = true
	r.installed(t, 15800001)
	if b, _ := os.ReadFile(filepath.Join(r.update.Dir, "left4dead2/gameinfo.txt")); len(b) < 10 {
		t.Error("the damaged file was not repaired")
	}
}

func TestSilentSteamCMDIsStopped(t *testing.T) {
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_FAULT=hang", "SIM_STEAM_SIZE=1M")
	r.tool.Limits.Silence = 2 * time.Second
	began := time.Now()
	_, err := r.run(t)
	if !errors.Is(err, steamcmd.Hung) || !strings.Contains(err.Error(), "SteamCMD printed nothing for 2s and was stopped") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the update ended after %s", took)
	}
	if log := r.log(); !strings.Contains(log, "downloading") {
		t.Errorf("the output before the silence is missing\n%s", log)
	}
}

func TestCancelStopsSteamCMDWithin5s(t *testing.T) {
	for name, vars := range map[string][]string{
		"downloading": {"SIM_STEAM_RATE=10K", "SIM_STEAM_SIZE=10M"},
		"hanging":     {"SIM_STEAM_FAULT=hang"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, append(vars, "SIM_STEAM_ANONYMOUS=1")...)
			// Run the binary without a shell in between, which would end at SIGTERM.
			r.tool.Script = filepath.Join(filepath.Dir(r.tool.Script), "linux32", "steamcmd")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			at := make(chan struct{})
			once := sync.OnceFunc(func() { close(at) })
			ended := make(chan error)
			go func() {
				_, err := r.tool.Update(ctx, r.update, func(e steamcmd.Event) {
					if e.Progress.Total > 0 && e.Step == left4me.StepDownload {
						once()
					}
				})
				ended <- err
			}()
			select {
			case <-at:
			case err := <-ended:
				t.Fatal(err)
			case <-time.After(time.Minute):
				t.Fatal("SteamCMD does not download")
			}
			hangs := filepath.Join(r.tool.Home, "Steam", "sim-hangs")
			for deadline := time.Now().Add(time.Minute); name == "hanging" && time.Now().Before(deadline); {
				if _, err := os.Stat(hangs); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("SteamCMD still runs after 5 s")
			}
			if out, err := exec.Command("pgrep", "-f", r.tool.Script).Output(); err == nil {
				t.Errorf("processes left: %s", out)
			}
		})
	}
}

func TestUpdateHasTimeLimit(t *testing.T) {
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_RATE=10K", "SIM_STEAM_SIZE=10M")
	r.tool.Limits.Whole = 2 * time.Second
	if _, err := r.run(t); !errors.Is(err, steamcmd.TooLong) || !strings.Contains(err.Error(), "did not finish within 2s") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyOneSteamCMDRunsPerHome(t *testing.T) {
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_RATE=10K", "SIM_STEAM_SIZE=10M")
	ctx, cancel := context.WithCancel(t.Context())
	logs, ended := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(logs) })
	go func() {
		defer close(ended)
		_, _ = r.tool.Update(ctx, r.update, func(e steamcmd.Event) {
			if e.Line != "" {
				once()
			}
		})
	}()
	<-logs
	if _, err := r.tool.Latest(t.Context(), steamcmd.App, ""); !errors.Is(err, steamcmd.InUse) || !errors.Is(err, left4me.Busy) {
		t.Errorf("got %v, want InUse", err)
	}
	cancel()
	<-ended
}

func TestBinaryIsRestartedAfterSelfUpdate(t *testing.T) {
	r := newRig(t)
	r.tool.Script = filepath.Join(filepath.Dir(r.tool.Script), "linux32", "steamcmd")
	r.installed(t, 15800001)
}

func TestLatestAsksForNewestBuild(t *testing.T) {
	r := newRig(t, "SIM_STEAM_BUILD=7")
	for branch, want := range map[string]int64{"": 15800007, "public": 15800007, "beta": 15800507} {
		if build, err := r.tool.Latest(t.Context(), steamcmd.App, branch); err != nil || build != want {
			t.Errorf("%s: got %d, %v", branch, build, err)
		}
	}
	if _, err := r.tool.Latest(t.Context(), steamcmd.App, "none"); !errors.Is(err, steamcmd.NotKnown) {
		t.Errorf("unknown branch: got %v, want NotKnown", err)
	}
	for vars, want := range map[string]steamcmd.Cause{
		"SIM_STEAM_INFO=hidden":         steamcmd.NotKnown,
		"SIM_STEAM_INFO=empty":          steamcmd.NotKnown,
		"SIM_STEAM_FAULT=appinfo":       steamcmd.NoAppInfo,
		"SIM_STEAM_FAULT=offline":       steamcmd.Offline,
		"SIM_STEAM_FAULT=no-connection": steamcmd.Offline,
	} {
		r.now(t, vars)
		if _, err := r.tool.Latest(t.Context(), steamcmd.App, ""); !errors.Is(err, want) {
			t.Errorf("%s: got %v", vars, err)
		}
	}
	r.now(t, "SIM_STEAM_FAULT=noise")
	if build, err := r.tool.Latest(t.Context(), steamcmd.App, ""); err != nil || build != 15800001 {
		t.Errorf("with noise: %d, %v", build, err)
	}
}

// SteamCMD has its own session. It must not outlive its driver and write to the files of the next
// run.
func TestSteamCMDEndsWithItsDriver(t *testing.T) {
	t.Run("plain", func(t *testing.T) { endsWithItsDriver(t, os.Args[0]) })
	t.Run("hangups ignored", func(t *testing.T) { endsWithItsDriver(t, "nohup", os.Args[0]) })
}

func endsWithItsDriver(t *testing.T, command ...string) {
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_RATE=10K", "SIM_STEAM_SIZE=10M")
	driver := exec.Command(command[0], command[1:]...)
	driver.Env = append(os.Environ(), driveVar+"="+filepath.Dir(r.update.Dir))
	out, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = driver.Process.Kill() }()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "downloading") {
	}
	running := func() string {
		out, _ := exec.Command("pgrep", "-f", filepath.Dir(r.tool.Script)).Output()
		return strings.TrimSpace(string(out))
	}
	if running() == "" {
		t.Fatal("SteamCMD does not run")
	}
	if err := driver.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = driver.Wait()
	for deadline := time.Now().Add(time.Minute); running() != ""; {
		if time.Now().After(deadline) {
			t.Fatalf("processes left: %s", running())
		}
	}
	r.now(t, "SIM_STEAM_ANONYMOUS=1")
	r.installed(t, 15800001) // continues the interrupted download
}

func TestDiskDecidesWithoutMessage(t *testing.T) {
	r := newRig(t, "SIM_STEAM_ANONYMOUS=1")
	quiet := filepath.Join(filepath.Dir(r.update.Dir), "quiet.sh")
	write(t, quiet, "#!/bin/sh\n"+r.tool.Script+" \"$@\" | grep -v Success\nexit 9\n", 0o755)
	r.tool.Script = quiet
	r.installed(t, 15800001)
	if n := strings.Count(r.log(), "Loading Steam API"); n != 1 {
		t.Errorf("SteamCMD was run %d times, want once", n)
	}
}
