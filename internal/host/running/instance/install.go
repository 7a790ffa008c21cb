package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/left4me/left4me/internal/left4me"
)

// linkSDK points ~/.steam/sdk32 and sdk64 of a server to Steam's libraries: those of SteamCMD or, if it
// isn't on this host, those of the game. Without them srcds runs, but isn't registered with Steam. The
// game can write to its home, so any other file under these names is removed, and links that lead out
// of the home aren't followed.
func (f Files) linkSDK(n left4me.Name) error {
	runtime, err := os.OpenRoot(f.Root.Runtime(n))
	if err != nil {
		return err
	}
	defer runtime.Close()
	home, err := runtime.OpenRoot("home") // a symbolic link can't lead out of runtime
	if err != nil {
		return err
	}
	defer home.Close()
	// Because of the sticky bit of the home, the game can't replace this directory.
	err = home.Mkdir(".steam", 0o770)
	if err == nil && f.Group >= 0 {
		err = errors.Join(home.Chown(".steam", -1, f.Group), home.Chmod(".steam", 0o770|fs.ModeSticky|fs.ModeSetgid))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, bits := range []string{"32", "64"} {
		name, target := path.Join(".steam", "sdk"+bits), f.sdk(n, bits)
		if old, err := home.Readlink(name); err == nil && old == target {
			continue
		}
		if err := home.RemoveAll(name); err != nil {
			return err
		}
		if err := home.Symlink(target, name); err != nil {
			return err
		}
	}
	return nil
}

func (f Files) sdk(n left4me.Name, bits string) string {
	dir := f.SteamCMD
	if dir == "" {
		dir = filepath.Join(string(f.Root), "steam", "steamcmd")
	}
	dir = filepath.Join(dir, "linux"+bits)
	if st, err := os.Stat(filepath.Join(dir, "steamclient.so")); err == nil && st.Mode().IsRegular() {
		return dir
	}
	return filepath.Join(f.Root.Merged(n), "bin")
}

// PrepareInstall creates the overlay that SteamCMD writes to, on top of the given layers (top first,
// relative to the root; none for a first installation). Its writable layer must be empty.
func (f Files) PrepareInstall(layers []string) error {
	const n = left4me.InstallInstance
	empty := filepath.Join(f.Root.Instance(n), "empty")
	for _, d := range []struct {
		path string
		mode fs.FileMode
	}{
		{f.Root.Instance(n), 0o750},
		{empty, 0o750},
		{f.Root.Runtime(n), 0o770},
		{f.Root.Upper(n), 0o770},
		{filepath.Join(f.Root.Runtime(n), "work"), 0o770},
		{f.Root.Merged(n), 0o770},
		{f.Root.Logs(n), 0o770},
		{filepath.Join(string(f.Root), "steam"), 0o751},
		{f.Root.Installation(), 0o751},
	} {
		if err := f.directory(d.path, d.mode); err != nil {
			return fmt.Errorf("prepare the installation: %w", err)
		}
	}
	if len(layers) == 0 { // overlayfs needs at least one layer
		layers = []string{path.Join("instances", string(n), "empty")}
	}
	text, err := Env{Lowerdirs: layers}.Append(nil)
	if err == nil {
		err = f.writeFile(f.Root.Env(n), text, 0o640)
	}
	if err != nil {
		return fmt.Errorf("prepare the installation: %w", err)
	}
	return nil
}

// WriteInstall replaces a small file of the installation's instance.
func (f Files) WriteInstall(name string, data []byte) error {
	return f.writeFile(filepath.Join(f.Root.Instance(left4me.InstallInstance), name), data, 0o640)
}

// DiscardInstall removes the files that SteamCMD wrote: the writable layer of its overlay, which must
// not be mounted, and the work directory of overlayfs.
func (f Files) DiscardInstall() error {
	for _, name := range []string{"upper", "work"} {
		dir := filepath.Join(f.Root.Runtime(left4me.InstallInstance), name)
		err := os.RemoveAll(dir)
		if errors.Is(err, fs.ErrPermission) { // overlayfs creates work/work with mode 0
			err = errors.Join(openDirs(dir), os.RemoveAll(dir))
		}
		if err != nil {
			return fmt.Errorf("remove what was downloaded: %w", err)
		}
	}
	return nil
}

// openDirs makes the directories of a tree accessible to this user.
func openDirs(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if d == nil || !d.IsDir() {
			return nil // unreadable until the Chmod below
		}
		return os.Chmod(name, 0o700)
	})
}
