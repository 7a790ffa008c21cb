package steamcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/left4me"
)

// steamclient is the library that a server uses to connect to Steam.
const steamclient = "steamclient.so"

// LinkSDK makes HOME/.steam/sdk32 and sdk64 point to SteamCMD's linux32 and linux64 or, if those
// have no steamclient.so, to the bin/ of an installation. Without these links srcds runs, but Steam
// does not list it. LinkSDK replaces links that point elsewhere, but keeps a directory that
// contains the library. It may be called at any time and does nothing if all links are correct. The
// game may have write access to home: LinkSDK follows no link that leads out of it.
func LinkSDK(home string, tool Tool, installation string) error {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return fmt.Errorf("link Steam's libraries: %w", err)
	}
	root, err := os.OpenRoot(home)
	if err != nil {
		return fmt.Errorf("link Steam's libraries: %w", err)
	}
	defer root.Close()
	if err := root.MkdirAll(".steam", 0o755); err != nil {
		return left4me.NewError(left4me.Denied, "steamcmd.sdk_not_linked", "path", filepath.Join(home, ".steam"), "reason", err,
			"user", whoAmI(), "dir", home).Because(err)
	}
	var missing []string
	for _, bits := range []string{"32", "64"} {
		target := sdkTarget(tool, installation, bits)
		name := filepath.Join(".steam", "sdk"+bits)
		if target == "" {
			if !hasClient(filepath.Join(home, name)) {
				missing = append(missing, "sdk"+bits)
			}
			continue
		}
		if err := link(root, home, name, target); err != nil {
			return fmt.Errorf("link Steam's libraries: %w", err)
		}
	}
	if len(missing) == 2 {
		return left4me.NewError(left4me.NotFound, "steamcmd.sdk_missing", "file", steamclient)
	}
	return nil
}

// HasSDK reports whether a library exists that a server's links can point to.
func HasSDK(tool Tool, installation string) bool {
	return sdkTarget(tool, installation, "32") != ""
}

// sdkTarget returns the directory that contains steamclient.so for a word size, or "".
func sdkTarget(tool Tool, installation, bits string) string {
	var dirs []string
	if tool.Script != "" {
		script := tool.Script
		if real, err := filepath.EvalSymlinks(script); err == nil {
			script = real
		}
		dir := filepath.Dir(script)
		dirs = append(dirs,
			filepath.Join(dir, "linux"+bits),
			filepath.Join(filepath.Dir(dir), "linux"+bits), // the script is linux32/steamcmd itself
		)
	}
	if tool.Home != "" { // location of the copy that Debian's script makes
		dirs = append(dirs, filepath.Join(tool.Home, ".local/share/Steam/steamcmd/linux"+bits))
	}
	if installation != "" {
		dirs = append(dirs, filepath.Join(installation, "bin"))
	}
	for _, d := range dirs {
		if hasClient(d) {
			return d
		}
	}
	return ""
}

func hasClient(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, steamclient))
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// link atomically makes name, under home, a symbolic link to target.
func link(root *os.Root, home, name, target string) error {
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		if old, err := root.Readlink(name); err == nil && old == target {
			return nil
		}
	case info.IsDir():
		if hasClient(filepath.Join(home, name)) {
			return nil
		}
		fallthrough
	default:
		// The file may be a user's own: rename it instead of deleting it.
		if err := root.Rename(name, name+".old"); err != nil {
			return fmt.Errorf("%s has no %s and is in the way: %w", filepath.Join(home, name), steamclient, err)
		}
	}
	// Another process may do the same at this moment.
	temp := fmt.Sprintf("%s.%d.new", name, os.Getpid())
	_ = root.Remove(temp)
	if err := root.Symlink(target, temp); err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		_ = root.Remove(temp)
		return err
	}
	return nil
}
