package instance_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

func host(t *testing.T, dirs ...string) instance.Files {
	t.Helper()
	root := t.TempDir()
	for _, d := range append(dirs, "installation/base") {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return instance.Files{Root: instance.Root(root), Group: -1}
}

func spec(overlays ...left4me.Name) left4me.Spec {
	return left4me.Spec{
		Name:     "alpha",
		Port:     27015,
		Overlays: left4me.Refs(overlays...),
		Settings: left4me.Settings{Hostname: "Alpha", Mode: "versus"},
	}
}

func TestLayersAreListedTopFirst(t *testing.T) {
	f := host(t, "overlays/maps/1", "overlays/maps/10", "overlays/maps/9", "overlays/mods/3",
		"installation/update-200", "installation/update-1000", "installation/junk")
	got, build, err := f.Root.Layers(left4me.Refs("mods", "maps"))
	if err != nil || build != 1000 {
		t.Fatal(build, err)
	}
	want := []string{
		"overlays/mods/3", "overlays/maps/10", "installation/update-1000", "installation/update-200", "installation/base",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMissingContentIsReported(t *testing.T) {
	f := host(t, "overlays/empty")
	err := f.Prepare(t.Context(), spec("empty"))
	if !errors.Is(err, left4me.NotFound) || !strings.Contains(err.Error(), "overlay empty") {
		t.Errorf("missing revision: got %v", err)
	}
	if err := os.Remove(filepath.Join(string(f.Root), "installation/base")); err != nil {
		t.Fatal(err)
	}
	if err := f.Prepare(t.Context(), spec()); !errors.Is(err, left4me.NotFound) ||
		!strings.Contains(err.Error(), "the game is not installed") {
		t.Errorf("missing game: got %v", err)
	}
	if f.Root.Exists("alpha") {
		t.Error("a refused start left files behind")
	}
}

func TestPrepareReusesUnchangedGeneration(t *testing.T) {
	f := host(t, "overlays/maps/1")
	generation := func(s left4me.Spec) string {
		t.Helper()
		if err := f.Prepare(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		env, err := f.Root.ReadEnv("alpha")
		if err != nil {
			t.Fatal(err)
		}
		return env.Lowerdirs[0]
	}
	first := generation(spec("maps"))
	if again := generation(spec("maps")); again != first {
		t.Errorf("unchanged configuration moved from %s to %s", first, again)
	}
	changed := spec("maps")
	changed.Settings.Hostname = "Beta"
	second := generation(changed)
	if second == first {
		t.Error("a changed configuration reused the old generation")
	}
	b, err := os.ReadFile(filepath.Join(string(f.Root), second, "left4dead2/cfg/server.cfg"))
	if err != nil || !strings.Contains(string(b), `hostname "Beta"`) {
		t.Errorf("new server.cfg: %s, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(string(f.Root), first)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old generation is still there: %v", err)
	}
}

func TestOverlayCfgIsExecutedBottomFirst(t *testing.T) {
	f := host(t, "overlays/top/1/left4dead2/cfg", "overlays/low/1/left4dead2/cfg")
	for _, o := range []string{"top", "low"} {
		if err := os.WriteFile(filepath.Join(string(f.Root), "overlays", o, "1/left4dead2/cfg/server_"+o+".cfg"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Prepare(t.Context(), spec("top", "low")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(f.Root.Instance("alpha"), "config/1/left4dead2/cfg/server.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	low, top := strings.Index(string(b), "exec server_low.cfg"), strings.Index(string(b), "exec server_top.cfg")
	if low < 0 || top < low {
		t.Errorf("layers nearer to the server must come later:\n%s", b)
	}
}

func TestSettingsCannotInjectCommands(t *testing.T) {
	s := spec()
	s.Settings.Hostname = "x\"; quit\nquit \"y"
	cfg := instance.Config(s, instance.Lower{}, "secret")["left4dead2/cfg/server.cfg"]
	for _, line := range strings.Split(cfg, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "quit") || strings.Count(line, `"`)%2 != 0 {
			t.Errorf("a setting escaped its line: %q", line)
		}
	}
	if !strings.HasSuffix(cfg, "rcon_password \"secret\"\n") {
		t.Errorf("the RCON password must come last:\n%s", cfg)
	}
}

func TestRemoveWorksOnIncompleteInstance(t *testing.T) {
	f := host(t, "instances/alpha", "outside")
	if err := os.Symlink(filepath.Join(string(f.Root), "outside"), filepath.Join(f.Root.Instance("alpha"), "config")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if warning, err := f.Remove(t.Context(), "alpha"); err != nil || !warning.IsZero() {
			t.Fatal(warning, err)
		}
	}
	if f.Root.Exists("alpha") {
		t.Error("the instance still exists")
	}
	if _, err := os.Stat(filepath.Join(string(f.Root), "outside")); err != nil {
		t.Errorf("Remove followed a symbolic link: %v", err)
	}
}

func TestRemoveRefusesInvalidNames(t *testing.T) {
	f := host(t)
	for _, n := range []left4me.Name{"", "..", "../installation", "a/b"} {
		if _, err := f.Remove(t.Context(), n); !errors.Is(err, left4me.Invalid) {
			t.Errorf("Remove(%q) = %v", n, err)
		}
	}
}

func TestEnvRoundTrip(t *testing.T) {
	e := instance.Env{
		Port: 27015, Args: []string{"-game", "left4dead2", "+hostname", "a b=c # \"d\""},
		Lowerdirs: []string{"instances/a/config/1", "installation/base"},
		Ready:     2 * time.Minute, Watchdog: 90 * time.Second, SpecHash: "0123",
	}
	b, err := e.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := instance.ReadEnv(bytes.NewReader(b))
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, e)
	}
	e.Lowerdirs = []string{"a:b"}
	if _, err := e.Append(nil); !errors.Is(err, instance.ErrEnv) {
		t.Errorf("a layer with a colon was written: %v", err)
	}
}

func FuzzReadEnv(f *testing.F) {
	f.Add([]byte("L4D2_PORT=27015\nL4D2_ARGS=[\"-game\"]\nL4D2_LOWERDIRS=a:b\n"))
	f.Add([]byte("L4D2_PORT=0\n"))
	f.Add([]byte("# x\n\nL4D2_ARGS=[\nnothing"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := instance.ReadEnv(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, instance.ErrEnv) {
				t.Errorf("got %v, want ErrEnv", err)
			}
			return
		}
		if e.Port < 0 || e.Port > 65535 || e.Ready < 0 || e.Watchdog < 0 {
			t.Errorf("value out of bounds: %+v", e)
		}
	})
}

// A server finds Steam's libraries in SteamCMD's directory or else in the game. If the game changes its
// links, the next start repairs them.
func TestPrepareRepairsLinksToSteamLibraries(t *testing.T) {
	f := host(t, "outside")
	if err := f.Prepare(t.Context(), spec()); err != nil {
		t.Fatal(err)
	}
	links := func(want string) {
		t.Helper()
		for _, bits := range []string{"32", "64"} {
			got, err := os.Readlink(filepath.Join(f.Root.Home("alpha"), ".steam/sdk"+bits))
			if err != nil || got != strings.ReplaceAll(want, "BITS", bits) {
				t.Errorf("sdk%s points to %q, %v", bits, got, err)
			}
		}
	}
	links(filepath.Join(f.Root.Merged("alpha"), "bin"))
	tool := filepath.Join(string(f.Root), "steam/steamcmd")
	for _, bits := range []string{"32", "64"} {
		if err := os.MkdirAll(filepath.Join(tool, "linux"+bits), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tool, "linux"+bits, "steamclient.so"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	steam := filepath.Join(f.Root.Home("alpha"), ".steam")
	for what, change := range map[string]func() error{
		"nothing":       func() error { return nil },
		"missing links": func() error { return os.RemoveAll(steam) },
		"directory instead of link": func() error {
			return errors.Join(os.Remove(steam+"/sdk32"),
				os.MkdirAll(steam+"/sdk32/in/it", 0o755))
		},
		"link to another place": func() error { return errors.Join(os.Remove(steam+"/sdk64"), os.Symlink("/etc", steam+"/sdk64")) },
	} {
		t.Run(what, func(t *testing.T) {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if err := f.Prepare(t.Context(), spec()); err != nil {
				t.Fatal(err)
			}
			links(filepath.Join(tool, "linuxBITS"))
		})
	}
	// A home that is a link to the outside isn't followed.
	outside := filepath.Join(string(f.Root), "outside")
	if err := errors.Join(os.RemoveAll(steam), os.Symlink("../../../outside", steam)); err != nil {
		t.Fatal(err)
	}
	_ = f.Prepare(t.Context(), spec())
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("files created outside: %v, %v", left, err)
	}
}

func TestInstallationIsNotListedAsServer(t *testing.T) {
	f := host(t)
	if err := f.PrepareInstall([]string{"installation/base"}); err != nil {
		t.Fatal(err)
	}
	if names, err := f.Root.Names(); err != nil || len(names) > 0 {
		t.Errorf("servers: %v, %v", names, err)
	}
	if err := os.MkdirAll(filepath.Join(f.Root.Runtime(left4me.InstallInstance), "work/work/x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(f.Root.Runtime(left4me.InstallInstance), "work/work"), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.DiscardInstall(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(f.Root.Upper(left4me.InstallInstance)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("upper: %v", err)
	}
}
