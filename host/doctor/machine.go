package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Below these, updates and new servers soon fail.
const (
	spaceLow    = 10 << 30
	spaceNone   = 512 << 20
	inodesLow   = 20_000
	inodesNone  = 1_000
	kernelMajor = 5 // user.overlay attributes came with 5.11
	kernelMinor = 11
)

func kernel() Check {
	const name = "kernel"
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Check{name, Warn, err.Error(), ""}
	}
	release := unix.ByteSliceToString(u.Release[:])
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return Check{name, Warn, "its version can't be read: " + release, ""}
	}
	if major < kernelMajor || major == kernelMajor && minor < kernelMinor {
		return Check{name, Broken, "Linux " + release, "use Linux 5.11 or later: older ones can't mount an overlay for an ordinary user"}
	}
	return ok(name, "Linux %s", release)
}

func supervisor(systemd error) Check {
	const name = "supervisor"
	if systemd == nil {
		return ok(name, "systemd starts servers")
	}
	return Check{
		name, Warn, fmt.Sprintf("servers run as processes of this user: systemd can't be used: %v", systemd),
		"it works; to have servers start with the machine and run apart from the panel, install left4me as a package",
	}
}

// rootDirectory looks at who may write where everything is kept.
func rootDirectory(root string) Check {
	const name = "root directory"
	st, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if parent := existing(root); unix.Access(parent, unix.W_OK) != nil {
			return Check{name, Broken, fmt.Sprintf("%s is not there, and %s is not writable", root, parent), "make it for the user of left4me, or set LEFT4ME_ROOT"}
		}
		return ok(name, "%s will be made", root)
	case err != nil:
		return Check{name, Broken, err.Error(), "set LEFT4ME_ROOT"}
	case !st.IsDir():
		return Check{name, Broken, root + " is not a directory", "set LEFT4ME_ROOT"}
	}
	var sys unix.Stat_t
	if err := unix.Stat(root, &sys); err != nil {
		return Check{name, Broken, err.Error(), ""}
	}
	uid := uint32(os.Geteuid())
	switch {
	case uid == 0 && sys.Uid != 0:
		return ok(name, "%s belongs to user %d, who is left4me's", root, sys.Uid)
	case sys.Uid != uid:
		return Check{name, Broken, fmt.Sprintf("%s belongs to user %d, not to this one", root, sys.Uid), "run left4me as that user, or set LEFT4ME_ROOT"}
	case st.Mode()&0o002 != 0:
		return Check{name, Broken, root + " is writable by everybody", "chmod o-w " + root}
	case unix.Access(root, unix.W_OK) != nil:
		return Check{name, Broken, root + " is not writable", "it may be on a read-only file system"}
	}
	return ok(name, "%s", root)
}

// existing is the nearest directory above path that is there.
func existing(path string) string {
	for path != "/" && path != "." {
		path = filepath.Dir(path)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return path
}

func space(root string) Check {
	const name = "disk"
	if _, err := os.Stat(root); err != nil {
		root = existing(root)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return Check{name, Warn, err.Error(), ""}
	}
	return spaceLeft(st.Bavail*uint64(st.Bsize), st.Ffree, st.Files > 0)
}

// spaceLeft judges free bytes and inodes; some file systems don't count inodes.
func spaceLeft(bytes, inodes uint64, counted bool) Check {
	c := ok("disk", "%.1f GB free", float64(bytes)/1e9)
	if counted {
		c.Text += fmt.Sprintf(", %d inodes", inodes)
	}
	switch {
	case bytes < spaceNone || counted && inodes < inodesNone:
		c.State, c.Mend = Broken, "free some space"
	case bytes < spaceLow || counted && inodes < inodesLow:
		c.State, c.Mend = Warn, "an update of the game needs up to 10 GB"
	}
	return c
}

func game(dir string) Check {
	const name = "game"
	if st, err := os.Stat(filepath.Join(dir, "base")); err != nil || !st.IsDir() {
		return Check{name, Warn, "the game is not installed", "install it to " + filepath.Join(dir, "base")}
	}
	return ok(name, "installed")
}

// loader looks for what 32-bit programs need: srcds is one.
func loader() Check {
	const name = "32-bit programs"
	if _, err := os.Stat("/lib/ld-linux.so.2"); err != nil {
		return Check{name, Warn, "the 32-bit loader is missing, without which the game's server does not start", "apt-get install lib32gcc-s1"}
	}
	return ok(name, "can run")
}

// ports binds every port of the range, as a server would.
func ports(low, high int) Check {
	const name = "ports"
	free := 0
	var taken []string
	for port := low; port <= high; port++ {
		if bindable(port) {
			free++
		} else {
			taken = append(taken, strconv.Itoa(port))
		}
	}
	c := ok(name, "%d of %d to %d are free", free, low, high)
	if len(taken) > 0 {
		c.Text += fmt.Sprintf("; %d in use, %s first", len(taken), taken[0])
	}
	if free == 0 {
		c.State, c.Mend = Broken, "widen LEFT4ME_PORT_RANGE, or end what uses them"
	}
	return c
}

func bindable(port int) bool {
	address := "0.0.0.0:" + strconv.Itoa(port)
	udp, err := net.ListenPacket("udp4", address)
	if err != nil {
		return false
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp4", address)
	if err != nil {
		return false
	}
	tcp.Close()
	return true
}
