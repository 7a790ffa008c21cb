package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

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
		return left4me.NewCheck(left4me.CheckWarn, "kernel", "kernel.unknown", "reason", err)
	}
	return judgeKernel(unix.ByteSliceToString(u.Release[:]))
}

func judgeKernel(release string) left4me.Check {
	const name = "kernel"
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return left4me.NewCheck(left4me.CheckWarn, name, "kernel.unreadable", "release", release)
	}
	if major < kernelMajor || major == kernelMajor && minor < kernelMinor {
		return left4me.NewCheck(left4me.CheckBroken, name, "kernel.too_old", "release", release)
	}
	return left4me.NewCheck(left4me.CheckOK, name, "kernel.ok", "release", release)
}

func supervisor(cfg Config) left4me.Check {
	const name = "supervisor"
	switch {
	case cfg.Systemd == nil:
		return left4me.NewCheck(left4me.CheckOK, name, "supervisor.systemd")
	case cfg.Packaged && remedy.Systemd() && os.Geteuid() != 0 && !cfg.isOwner():
		return left4me.NewCheck(left4me.CheckSkipped, name, "supervisor.not_tested", "command", cfg.Reader.AsRoot("left4me doctor"))
	}
	return left4me.NewCheck(left4me.CheckWarn, name, "supervisor.processes", "reason", left4me.ReasonOf(cfg.Systemd))
}

// rootDirectory checks owner and permissions of the root directory.
func rootDirectory(cfg Config) left4me.Check {
	const name = "root directory"
	root := cfg.Root
	st, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if parent := existing(root); unix.Access(parent, unix.W_OK) != nil {
			return left4me.NewCheck(left4me.CheckBroken, name, "root.parent_not_writable", "path", root, "parent", parent)
		}
		return left4me.NewCheck(left4me.CheckOK, name, "root.will_be_created", "path", root)
	case err != nil:
		return left4me.NewCheck(left4me.CheckBroken, name, "root.unreadable", "reason", err)
	case !st.IsDir():
		return left4me.NewCheck(left4me.CheckBroken, name, "root.not_a_directory", "path", root)
	}
	var sys unix.Stat_t
	if err := unix.Stat(root, &sys); err != nil {
		return left4me.NewCheck(left4me.CheckBroken, name, "root.unreadable", "reason", err)
	}
	uid := uint32(os.Geteuid())
	switch {
	case uid == 0 && sys.Uid != 0, cfg.Packaged && userName(sys.Uid) == "left4me":
		return left4me.NewCheck(left4me.CheckOK, name, "root.belongs_to", "path", root, "owner", userName(sys.Uid))
	case sys.Uid != uid:
		return left4me.NewCheck(left4me.CheckBroken, name, "root.foreign", "path", root, "owner", userName(sys.Uid))
	case st.Mode()&0o002 != 0:
		return left4me.NewCheck(left4me.CheckBroken, name, "root.writable_by_all", "path", root,
			"command", left4me.Commands("chmod o-w "+left4me.ShellWord(root)))
	case unix.Access(root, unix.W_OK) != nil:
		return left4me.NewCheck(left4me.CheckBroken, name, "root.not_writable", "path", root)
	}
	return left4me.NewCheck(left4me.CheckOK, name, "root.ok", "path", root)
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
	if _, err := os.Stat(root); err != nil {
		root = existing(root)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(root, &st); err != nil {
		return left4me.NewCheck(left4me.CheckWarn, "disk", "disk.unknown", "reason", err)
	}
	return spaceLeft(st.Bavail*uint64(st.Bsize), st.Ffree, st.Files > 0)
}

// spaceLeft judges free bytes and inodes. counted is false for file systems that don't count
// inodes.
func spaceLeft(bytes, inodes uint64, counted bool) left4me.Check {
	const name = "disk"
	free, left := left4me.Bytes(min(bytes, math.MaxInt64)), any(nil)
	if counted {
		left = inodes
	}
	switch {
	case bytes < disk.Least:
		return left4me.NewCheck(left4me.CheckBroken, name, "disk.read_only", "free", free, "inodes", left)
	case bytes < spaceNone || counted && inodes < inodesNone:
		return left4me.NewCheck(left4me.CheckBroken, name, "disk.none", "free", free, "inodes", left)
	case bytes < spaceLow || counted && inodes < inodesLow:
		return left4me.NewCheck(left4me.CheckWarn, name, "disk.low", "free", free, "inodes", left)
	}
	return left4me.NewCheck(left4me.CheckOK, name, "disk.ok", "free", free, "inodes", left)
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
	var port [namedPorts]any // nil: leaves its part of the text out
	var holder [namedPorts]*left4me.Error
	for i, p := range taken[:min(len(taken), namedPorts)] {
		port[i], holder[i] = p, shim.Holder(instance.Root(cfg.Root), p)
		if holder[i] == nil {
			holder[i] = left4me.NewError(left4me.Conflict, "port.holder_unknown")
		}
	}
	var more any
	if n := len(taken) - namedPorts; n > 0 {
		more = n
	}
	if free == 0 {
		return left4me.NewCheck(left4me.CheckBroken, name, "ports.none_free", "low", cfg.Low, "high", cfg.High, "more", more,
			"port1", port[0], "holder1", holder[0], "port2", port[1], "holder2", holder[1], "port3", port[2], "holder3", holder[2])
	}
	return left4me.NewCheck(left4me.CheckOK, name, "ports.ok", "free", free, "low", cfg.Low, "high", cfg.High, "more", more,
		"port1", port[0], "holder1", holder[0], "port2", port[1], "holder2", holder[1], "port3", port[2], "holder3", holder[2])
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
		return left4me.NewCheck(left4me.CheckWarn, name, "files.unknown", "reason", err)
	}
	if l.Max < filesLow {
		return left4me.NewCheck(left4me.CheckWarn, name, "files.low", "limit", l.Max, "command", left4me.Commands("ulimit -Hn"))
	}
	return left4me.NewCheck(left4me.CheckOK, name, "files.ok", "limit", l.Max)
}

// clock checks whether the time is synchronised. Certificates, log times and the expiry of sessions
// depend on it.
func clock(reader remedy.Reader) left4me.Check {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return left4me.NewCheck(left4me.CheckSkipped, "clock", "clock.unknown", "reason", err)
	}
	return judgeClock(reader, time.Now(), state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0)
}

// setClock returns the remedy for a wrong clock outside of a container. timedatectl can enable only time daemons installed as a package
// (systemd-timedated.service(8)).
func setClock(reader remedy.Reader) left4me.Remedy {
	switch {
	case !remedy.Systemd():
		return reader.Install("chrony")
	case !hasTimeDaemon():
		return reader.Install("systemd-timesyncd")
	}
	return reader.AsRoot("timedatectl set-ntp true")
}

// inContainer reports whether this machine is a container, which shares the clock of its host and
// may not set it, according to systemd's record of the
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
	year := now.Year()
	wrong, container := year < earliestYear || year > latestYear, inContainer()
	switch {
	case wrong && container:
		return left4me.NewCheck(left4me.CheckBroken, name, "clock.wrong_year_in_container", "year", year)
	case wrong:
		return left4me.NewCheck(left4me.CheckBroken, name, "clock.wrong_year", "year", year, "command", setClock(reader))
	case !kept && container:
		return left4me.NewCheck(left4me.CheckWarn, name, "clock.unsynchronized_in_container", "time", now)
	case !kept:
		return left4me.NewCheck(left4me.CheckWarn, name, "clock.unsynchronized", "time", now, "command", setClock(reader))
	}
	return left4me.NewCheck(left4me.CheckOK, name, "clock.ok")
}
