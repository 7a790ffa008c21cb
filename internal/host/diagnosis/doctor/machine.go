package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// Thresholds of the checks. Below those for space and inodes, updates and new servers soon fail.
const (
	spaceLow    = 10 << 30
	spaceNone   = 512 << 20
	inodesLow   = 20_000
	inodesNone  = 1_000
	kernelMajor = 5 // user.overlay attributes require 5.11
	kernelMinor = 11
	filesLow    = 4096
	namedPorts  = 3 // ports in use that are looked up; finding their users takes time

	earliestYear = 2025 // left4me did not exist before
	latestYear   = 2100
)

func kernel() left4me.Check {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return warn("kernel", err.Error(), "")
	}
	return judgeKernel(unix.ByteSliceToString(u.Release[:]))
}

func judgeKernel(release string) left4me.Check {
	const name = "kernel"
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return warn(name, "its version can't be read: "+release, "")
	}
	if major < kernelMajor || major == kernelMajor && minor < kernelMinor {
		return broken(name, "Linux "+release, "use Linux 5.11 or later: older ones can't mount an overlay for an ordinary user")
	}
	return ok(name, "Linux %s", release)
}

func supervisor(cfg Config) left4me.Check {
	const name = "supervisor"
	switch {
	case cfg.Systemd == nil:
		return ok(name, "systemd starts servers")
	case cfg.Packaged && remedy.Systemd() && os.Geteuid() != 0 && !cfg.isOwner():
		return skipped(name, "only root and left4me's own user can try systemd", cfg.Reader.AsRoot("left4me doctor")+" can")
	}
	return warn(name, fmt.Sprintf("servers run as processes of this user: systemd can't be used: %v", cfg.Systemd),
		"it works; to have servers start with the machine and run apart from the panel, install left4me as a package")
}

// rootDirectory checks owner and permissions of the root directory.
func rootDirectory(cfg Config) left4me.Check {
	const name = "root directory"
	root := cfg.Root
	st, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if parent := existing(root); unix.Access(parent, unix.W_OK) != nil {
			return broken(name, fmt.Sprintf("%s is not there, and %s is not writable", root, parent),
				"make it for the user of left4me, or set LEFT4ME_ROOT")
		}
		return ok(name, "%s will be made", root)
	case err != nil:
		return broken(name, err.Error(), "set LEFT4ME_ROOT")
	case !st.IsDir():
		return broken(name, root+" is not a directory", "set LEFT4ME_ROOT")
	}
	var sys unix.Stat_t
	if err := unix.Stat(root, &sys); err != nil {
		return broken(name, err.Error(), "")
	}
	uid := uint32(os.Geteuid())
	switch {
	case uid == 0 && sys.Uid != 0, cfg.Packaged && userName(sys.Uid) == "left4me":
		return ok(name, "%s belongs to %s", root, userName(sys.Uid))
	case sys.Uid != uid:
		return broken(name, fmt.Sprintf("%s belongs to %s, not to this user", root, userName(sys.Uid)),
			"run left4me as that user, or set LEFT4ME_ROOT")
	case st.Mode()&0o002 != 0:
		return broken(name, root+" is writable by everybody", "`chmod o-w "+left4me.ShellWord(root)+"`")
	case unix.Access(root, unix.W_OK) != nil:
		return broken(name, root+" is not writable", "it may be on a read-only file system")
	}
	return ok(name, "%s", root)
}

// existing returns the nearest existing directory above path.
func existing(path string) string {
	for path != "/" && path != "." {
		path = filepath.Dir(path)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return path
}

func space(root string) left4me.Check {
	const name = "disk"
	if _, err := os.Stat(root); err != nil {
		root = existing(root)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return warn(name, err.Error(), "")
	}
	return spaceLeft(st.Bavail*uint64(st.Bsize), st.Ffree, st.Files > 0)
}

// spaceLeft judges free bytes and inodes. counted is false for file systems that don't count
// inodes.
func spaceLeft(bytes, inodes uint64, counted bool) left4me.Check {
	c := ok("disk", "%s free", bytesize.GB(int64(bytes)))
	if counted {
		c.Text += fmt.Sprintf(", %d inodes", inodes)
	}
	if bytes < disk.Least {
		c.Text += "; left4me can't save changes"
	}
	switch {
	case bytes < spaceNone || counted && inodes < inodesNone:
		c.State, c.Mend = left4me.CheckBroken, "free some space"
	case bytes < spaceLow || counted && inodes < inodesLow:
		c.State, c.Mend = left4me.CheckWarn, "an update of the game needs up to 10 GB"
	}
	return c
}

// ports binds every port of the range, as a server would, to see which are free.
func ports(cfg Config) left4me.Check {
	const name = "ports"
	free := 0
	var taken []int
	for port := cfg.Low; port <= cfg.High; port++ {
		if bindable(port) {
			free++
		} else {
			taken = append(taken, port)
		}
	}
	c := ok(name, "%d of %d to %d are free", free, cfg.Low, cfg.High)
	for _, port := range taken[:min(len(taken), namedPorts)] {
		if who := shim.Holder(instance.Root(cfg.Root), port); who != "" {
			c.Text += fmt.Sprintf("; %d has %s", port, who)
		} else {
			c.Text += fmt.Sprintf("; %d is in use", port)
		}
	}
	if more := len(taken) - namedPorts; more > 0 {
		c.Text += fmt.Sprintf("; %d more are in use", more)
	}
	if free == 0 {
		c.State, c.Mend = left4me.CheckBroken, "widen LEFT4ME_PORT_RANGE, or end what uses them"
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

// openFiles checks the limit of open files for a process of this user. The panel needs several for
// each viewer.
func openFiles() left4me.Check {
	const name = "open files"
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return warn(name, err.Error(), "")
	}
	if l.Max < filesLow {
		return warn(name, fmt.Sprintf("a process may open %d", l.Max),
			"raise the limit: `ulimit -Hn` shows it, LimitNOFILE= in the unit or /etc/security/limits.conf sets it")
	}
	return ok(name, "a process may open %d", l.Max)
}

// clock checks whether the time is synchronised. Certificates, log times and the expiry of sessions
// depend on it.
func clock(reader remedy.Reader) left4me.Check {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return left4me.Check{Name: "clock", State: left4me.CheckSkipped, Text: "the kernel does not tell how it is kept: " + err.Error()}
	}
	return judgeClock(reader, time.Now(), state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0)
}

// setClock returns the remedy for a wrong clock. A container shares the clock of its host and may
// not set it. timedatectl can enable only time daemons installed as a package
// (systemd-timedated.service(8)).
func setClock(reader remedy.Reader) string {
	switch {
	case inContainer():
		return "this container has the clock of its host: keep it right there"
	case !remedy.Systemd():
		return "run a time daemon, for example chrony: " + reader.Install("chrony")
	case !hasTimeDaemon():
		return reader.Install("systemd-timesyncd")
	}
	return reader.AsRoot("timedatectl set-ntp true")
}

// inContainer reports whether this machine is a container, according to systemd's record of the
// container manager (https://systemd.io/CONTAINER_INTERFACE) or because root may not set the clock.
func inContainer() bool {
	if _, err := os.Stat("/run/systemd/container"); err == nil {
		return true
	}
	if os.Geteuid() != 0 {
		return false
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_TIME) == 0
}

// hasTimeDaemon reports whether timedatectl can enable a time daemon.
func hasTimeDaemon() bool {
	for _, dir := range []string{"/usr/lib/systemd/ntp-units.d", "/lib/systemd/ntp-units.d", "/etc/systemd/ntp-units.d"} {
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			return true
		}
	}
	return false
}

func judgeClock(reader remedy.Reader, now time.Time, kept bool) left4me.Check {
	const name = "clock"
	mend := setClock(reader)
	if y := now.Year(); y < earliestYear || y > latestYear {
		return broken(name, "it is the year "+strconv.Itoa(y), mend)
	}
	if !kept {
		return warn(name, "it is "+now.UTC().Format("2006-01-02 15:04 MST")+", and nothing keeps it right", mend)
	}
	return ok(name, "it is kept right by the network")
}
