package steamcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/left4me"
)

// steamclient is the library by which a server speaks to Steam.
const steamclient = "steamclient.so"

// LinkSDK makes HOME/.steam/sdk32 and sdk64 point at SteamCMD's linux32 and
// linux64 or, where those have no steamclient.so, at the bin/ of an installation:
// without them srcds runs, but Steam doesn't know it. Links that point elsewhere
// or nowhere are replaced; a directory that stands in the place of a link and has
// the library is left alone. It may be called at any time and does nothing when
// all is right. A home that the game can write to is safe to give: no link in it
// is followed to outside.
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

// HasSDK reports whether there is a library that the links of servers can lead to.
func HasSDK(tool Tool, installation string) bool {
	return sdkTarget(tool, installation, "32") != ""
}

// sdkTarget is the directory that has steamclient.so for a word size; empty if
// none has.
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
			filepath.Join(filepath.Dir(dir), "linux"+bits), // it is linux32/steamcmd itself
		)
	}
	if tool.Home != "" { // where Debian's script has its copy
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

// link makes name, beneath home, a link to target, in one step.
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
		// It may be somebody's: it goes aside rather than away.
		if err := root.Rename(name, name+".old"); err != nil {
			return fmt.Errorf("%s has no %s and is in the way: %w", filepath.Join(home, name), steamclient, err)
		}
	}
	// Two may do this at the same time for the same home.
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
