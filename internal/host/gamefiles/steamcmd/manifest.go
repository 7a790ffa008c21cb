package steamcmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vdf"
)

// Installed is the only bit of Manifest.StateFlags that is set when an app is complete. Other bits
// mean that an update is pending or was interrupted.
const Installed = 4

// Manifest describes an installed app. Steam stores it in steamapps/appmanifest_<app>.acf.
type Manifest struct {
	App         int
	Name        string
	Build       int64  // installed build
	Target      int64  // build of a pending update; 0 or Build if there is none
	StateFlags  uint32 // EAppState: 4 for a complete installation
	SizeOnDisk  int64  // bytes
	LastUpdated time.Time
	Branch      string // empty for the public branch
}

// ReadManifest reads the manifest of an app from an installation. Keys may be in any case and
// order; missing values stay zero. Errors: left4me.NotFound if there is no manifest,
// left4me.Invalid if it cannot be parsed.
func ReadManifest(dir string, app int) (Manifest, error) {
	path := filepath.Join(dir, "steamapps", fmt.Sprintf("appmanifest_%d.acf", app))
	b, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, left4me.NewError(left4me.NotFound, "steamcmd.app_missing", "app", app, "dir", dir).Because(err)
	} else if err != nil {
		return Manifest{}, fmt.Errorf("app manifest: %w", err)
	}
	m, err := parseManifest(b)
	if err == nil && m.App != app {
		err = fmt.Errorf("it is of app %d", m.App)
	}
	if err != nil {
		return Manifest{}, left4me.NewError(left4me.Invalid, "steamcmd.manifest_unreadable", "path", path, "reason", err).Because(err)
	}
	return m, nil
}

// readFile reads a small regular file. It does not block on a pipe.
func readFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	return io.ReadAll(io.LimitReader(f, vdf.MaxSize+1))
}

func parseManifest(b []byte) (Manifest, error) {
	root, err := vdf.Parse(b, vdf.Options{Escapes: true})
	if err != nil {
		return Manifest{}, err
	}
	state := root.Get("AppState")
	if state == nil {
		return Manifest{}, errors.New("it has no AppState")
	}
	var wrong error
	number := func(key string, bits int) int64 {
		text := state.Text(key)
		n, err := strconv.ParseInt(cmp.Or(text, "0"), 10, bits)
		if err != nil || n < 0 {
			wrong = cmp.Or(wrong, fmt.Errorf("%s is %q", key, text))
		}
		return n
	}
	m := Manifest{
		App: int(number("appid", 32)), Name: state.Text("name"),
		Build: number("buildid", 64), Target: number("TargetBuildID", 64),
		StateFlags: uint32(number("StateFlags", 33)) /* 33 with its sign */, SizeOnDisk: number("SizeOnDisk", 64),
		Branch: state.Text("UserConfig", "BetaKey"),
	}
	if m.Branch == "public" {
		m.Branch = ""
	}
	if t := number("LastUpdated", 64); t > 0 {
		m.LastUpdated = time.Unix(t, 0).UTC()
	}
	return m, wrong
}

// Judge checks whether an installation is complete: the programs exist and are executable, and the
// manifest has no pending work. It returns the manifest as far as it could be read. The error, of
// kind left4me.Unavailable, lists everything that is missing.
func Judge(dir string, app int) (Manifest, error) {
	var missing []*left4me.Error
	for _, name := range []string{"srcds_run", "srcds_linux"} {
		if why := program(filepath.Join(dir, name)); why != nil {
			missing = append(missing, why)
		}
	}
	if p := filepath.Join(dir, "srcds_linux"); len(missing) == 0 && !isELF(p) {
		missing = append(missing, left4me.NewError(left4me.Unavailable, "program.not_for_linux", "file", "srcds_linux"))
	}
	m, err := ReadManifest(dir, app)
	public, told := left4me.Public(err)
	switch {
	case errors.Is(err, left4me.NotFound):
		missing = append(missing, left4me.NewError(left4me.Unavailable, "steamcmd.manifest_missing", "file",
			fmt.Sprintf("appmanifest_%d.acf", app)))
	case told:
		missing = append(missing, public)
	case err != nil:
		missing = append(missing, left4me.NewError(left4me.Unavailable, "program.not_examined", "file",
			fmt.Sprintf("appmanifest_%d.acf", app), "reason", err))
	case m.StateFlags != Installed:
		missing = append(missing, left4me.NewError(left4me.Unavailable, "steamcmd.manifest_unfinished", "state", m.StateFlags))
	case m.Build == 0:
		missing = append(missing, left4me.NewError(left4me.Unavailable, "steamcmd.manifest_without_build"))
	}
	if len(missing) == 0 {
		return m, nil
	}
	var more [3]any // at most three things can be missing
	for i, why := range missing {
		more[i] = why
	}
	return m, left4me.NewError(left4me.Unavailable, "game.not_whole", "dir", dir, "error", more[0], "second", more[1], "third", more[2]).
		Because(err)
}

// program returns an error if a file cannot be run.
func program(path string) *left4me.Error {
	file := filepath.Base(path)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return left4me.NewError(left4me.Unavailable, "program.missing", "file", file)
	case err != nil:
		return left4me.NewError(left4me.Unavailable, "program.not_examined", "file", file, "reason", errors.Unwrap(err))
	case !info.Mode().IsRegular() || info.Size() == 0:
		return left4me.NewError(left4me.Unavailable, "program.not_a_file", "file", file)
	case info.Mode()&0o111 == 0:
		return left4me.NewError(left4me.Unavailable, "program.not_executable", "file", file)
	}
	return nil
}
