package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/left4me/left4me/sim/programs"
)

// program is the path of the simulated SteamCMD.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
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
	return m.Run()
}

// place is an installation of SteamCMD, its home and a directory for the game.
type place struct{ sh, home, game string }

func newPlace(t *testing.T, vars ...string) place {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command(program,
		append([]string{"lay", filepath.Join(dir, "steamcmd"), "SIM_STEAM_GAME=1"}, vars...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return place{filepath.Join(dir, "steamcmd", "steamcmd.sh"), filepath.Join(dir, "home"), filepath.Join(dir, "game")}
}

// run runs SteamCMD with its output on a pipe and additional variables.
func (p place) run(t *testing.T, env string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.sh, args...)
	cmd.Env = append(os.Environ(), append(strings.Fields(env), "HOME="+p.home)...)
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// update runs the given update commands in one run.
func (p place) update(t *testing.T, env, login string, updates ...string) (string, int) {
	t.Helper()
	args := append([]string{"+@ShutdownOnFailedCommand", "1", "+force_install_dir", p.game, "+login"}, strings.Fields(login)...)
	for _, u := range updates {
		args = append(args, strings.Fields(u)...)
	}
	return p.run(t, env, append(args, "+quit")...)
}

const (
	forLinux   = "+@sSteamCmdForcePlatformType linux +app_update 222860"
	forWindows = "+@sSteamCmdForcePlatformType windows +app_update 222860"
	done       = "Success! App '222860' fully installed."
)

func (p place) install(t *testing.T, env string) {
	t.Helper()
	if out, code := p.update(t, env, "anonymous", forWindows, forLinux+" validate"); code != 0 || strings.Count(out, done) != 2 {
		t.Fatalf("exit %d\n%s", code, out)
	}
}

func (p place) has(name string) bool { return exists(filepath.Join(p.game, name)) }

func TestFirstStartUpdatesProgram(t *testing.T) {
	p := newPlace(t)
	binary := exec.Command(filepath.Join(filepath.Dir(p.sh), "linux32", "steamcmd"), "+quit")
	binary.Env = []string{"HOME=" + p.home}
	_ = binary.Run()
	if code := binary.ProcessState.ExitCode(); code != 42 {
		t.Errorf("first start: got exit status %d, want 42", code)
	}
	if !exists(filepath.Join(filepath.Dir(p.sh), "linux32", "steamclient.so")) {
		t.Error("its libraries are missing")
	}
	other := newPlace(t)
	if out, code := other.run(t, "", "+quit"); code != 0 || !strings.Contains(out, "Steam Console Client") {
		t.Errorf("steamcmd.sh: got exit status %d\n%s", code, out)
	}
}

func TestAnonymousNeedsManifestForLinux(t *testing.T) {
	p := newPlace(t)
	if out, code := p.update(t, "", "anonymous", forLinux); code != 8 ||
		!strings.Contains(out, "ERROR! Failed to install app '222860' (Invalid platform)") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if out, code := p.update(t, "", "anonymous", forWindows); code != 0 || !p.has("srcds.exe") || p.has("srcds_run") {
		t.Fatalf("for Windows: got exit %d\n%s", code, out)
	}
	if out, code := p.update(t, "", "anonymous", forLinux+" validate"); code != 0 || p.has("srcds.exe") || !p.has("srcds_run") {
		t.Fatalf("for Linux afterwards: got exit %d\n%s", code, out)
	}
	if out, code := p.update(t, "", "anonymous", "+app_update 222860"); code != 0 || !strings.Contains(out, "already up to date") {
		t.Errorf("second update: got exit %d\n%s", code, out)
	}
}

func TestOwnerInstallsForLinux(t *testing.T) {
	p := newPlace(t, "SIM_STEAM_ACCOUNT=gordon:crowbar:R2D2C")
	for login, want := range map[string]string{
		"gordon wrong":         "FAILED (Invalid Password)",
		"gordon crowbar":       "Steam Guard",
		"gordon crowbar WRONG": "Two-factor code mismatch",
		"gordon":               "Cached credentials not found",
	} {
		if out, code := p.update(t, "", login, forLinux); code != 5 || !strings.Contains(out, want) {
			t.Errorf("%s: got exit status %d, want 5\n%s", login, code, out)
		}
	}
	if out, code := p.update(t, "", "gordon crowbar R2D2C", forLinux); code != 0 || !p.has("srcds_run") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if out, code := p.update(t, "", "gordon", forLinux); code != 0 {
		t.Errorf("login without a password: got exit status %d\n%s", code, out)
	}
}

// identity returns a value per file that differs after the file was written again.
func (p place) identity(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(p.game, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		name, _ := filepath.Rel(p.game, path)
		all[name] = fmt.Sprint(st.Ino, info.ModTime(), info.Size(), info.Mode())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestUpdateKeepsUnchangedFiles(t *testing.T) {
	p := newPlace(t, "SIM_STEAM_SIZE=2M", "SIM_STEAM_CHANGED=3")
	p.install(t, "")
	before := p.identity(t)
	for _, validate := range []string{"", " validate"} {
		if out, code := p.update(t, "SIM_STEAM_BUILD=2", "anonymous", "+app_update 222860"+validate); code != 0 {
			t.Fatalf("exit %d\n%s", code, out)
		}
		var changed, bulk int
		after := p.identity(t)
		for name, was := range before {
			if after[name] != was && after[name] != "" && !strings.HasPrefix(name, "steamapps") {
				changed++
				if strings.Contains(name, "pak01_0") {
					bulk++
				}
			}
		}
		if bulk != 3 || changed != 4 { // and steam.inf
			t.Errorf("got %d changed files, %d of the bulk", changed, bulk)
		}
		if p.has("left4dead2/scripts/build_1.txt") || !p.has("left4dead2/scripts/build_2.txt") {
			t.Error("the update did not add and remove files")
		}
	}
	b, _ := os.ReadFile(filepath.Join(p.game, "steamapps/appmanifest_222860.acf"))
	if !bytes.Contains(b, []byte(`"buildid"		"15800002"`)) {
		t.Errorf("manifest has the wrong build: %s", b)
	}
}

func TestValidateRepairsOnlyDamagedFiles(t *testing.T) {
	p := newPlace(t, "SIM_STEAM_SIZE=1M")
	p.install(t, "")
	if err := os.WriteFile(filepath.Join(p.game, "left4dead2/pak01_007.vpk"), make([]byte, 10485), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.game, "srcds_run")); err != nil {
		t.Fatal(err)
	}
	before := p.identity(t)
	if out, _ := p.update(t, "", "anonymous", "+app_update 222860"); !strings.Contains(out, "already up to date") || p.has("srcds_run") {
		t.Errorf("update without validate checked the files\n%s", out)
	}
	if out, code := p.update(t, "", "anonymous", "+app_update 222860 validate"); code != 0 || !p.has("srcds_run") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	for name, is := range p.identity(t) {
		if was, there := before[name]; there &&
			(was != is) != (name == "left4dead2/pak01_007.vpk" || strings.HasPrefix(name, "steamapps")) {
			t.Errorf("%s: got %s, was %s", name, is, was)
		}
	}
}

func TestInterruptedDownloadIsResumed(t *testing.T) {
	p := newPlace(t, "SIM_STEAM_SIZE=1M")
	out, code := p.update(t, "SIM_STEAM_FAULT=state:0x402 SIM_STEAM_FAULT_AT=60", "anonymous", forWindows)
	if code != 8 || !strings.Contains(out, "Error! App '222860' state is 0x402 after update job.") ||
		!p.has("steamapps/downloading/222860") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	staged := place{game: filepath.Join(p.game, "steamapps/downloading/222860")}.identity(t)
	if out, code := p.update(t, "", "anonymous", forWindows); code != 0 || p.has("steamapps/downloading") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	kept, after := 0, p.identity(t)
	for name, was := range staged {
		if after[name] == was {
			kept++
		}
	}
	if kept < 50 || kept < len(staged)-1 { // except the one that was interrupted
		t.Errorf("of %d downloaded files %d were reused", len(staged), kept)
	}
}

func TestSparseContentUsesLittleSpace(t *testing.T) {
	p := newPlace(t, "SIM_STEAM_SIZE=4G", "SIM_STEAM_SPARSE=1", "SIM_STEAM_ANONYMOUS=1")
	if out, code := p.update(t, "", "anonymous", "+app_update 222860"); code != 0 {
		t.Fatalf("exit %d\n%s", code, out)
	}
	var size, used int64
	_ = filepath.WalkDir(p.game, func(_ string, d os.DirEntry, _ error) error {
		if info, err := d.Info(); err == nil && !d.IsDir() {
			size += info.Size()
			used += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	if size < 4<<30-100 || used > 64<<20 {
		t.Errorf("%d bytes use %d bytes on disk", size, used)
	}
}

func TestOutputOnPipeIsBlockBuffered(t *testing.T) {
	p := newPlace(t)
	if out, code := p.run(t, "", "+quit"); code != 0 || out == "" {
		t.Fatalf("exit %d", code)
	}
	if out, _ := p.update(t, "SIM_STEAM_FAULT=kill:KILL SIM_STEAM_FAULT_AT=-1", "anonymous", forWindows); out != "" {
		t.Errorf("buffered output was printed: %s", out)
	}
}
