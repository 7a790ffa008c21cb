package shim

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// PortFree checks that a server can use a port: UDP for the game and TCP for RCON. L4D2 silently takes
// the next port if the configured one is busy. Errors: left4me.Invalid if port is out of range,
// left4me.Conflict if it is in use. The text names the server or program that uses it, as far as this
// user can see it.
func PortFree(root instance.Root, port int) error {
	if port < 1 || port > 65535 {
		return left4me.NewError(left4me.Invalid, "port.out_of_range", "port", port).InField("port")
	}
	err := bindable(port)
	for range 4 {
		if !errors.Is(err, unix.EADDRINUSE) {
			break
		}
		// Another check like this one may hold the port for a moment.
		time.Sleep(25 * time.Millisecond)
		err = bindable(port)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("port %d: %w", port, err)
	}
	who := holderOf(root, port)
	return left4me.NewError(left4me.Conflict, "port.in_use_by_program", "port", port, "program", who).InField("port").Because(err)
}

// bindable tries to bind a port for UDP and TCP.
func bindable(port int) error {
	u, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
	if err != nil {
		return err
	}
	u.Close()
	t, err := net.Listen("tcp4", ":"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return t.Close()
}

// process is a process ID.
type process int

func (p process) dir() string { return "/proc/" + strconv.Itoa(int(p)) }

// name returns the program's name. The program can choose it, so unusual characters are quoted.
func (p process) name() string {
	b, err := os.ReadFile(p.dir() + "/comm")
	if err != nil {
		return "a program"
	}
	name := strings.TrimSuffix(string(b), "\n")
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}

// holderOf describes the process that uses a port, as far as this user can see it.
func holderOf(root instance.Root, port int) *left4me.Error {
	if p, ok := portHolder(port); ok {
		return p.describe(root, port)
	}
	return left4me.NewError(left4me.Conflict, "port.holder_unknown")
}

// describe returns which of our servers, or which other program, uses a port.
func (p process) describe(root instance.Root, port int) *left4me.Error {
	program := left4me.NewError(left4me.Conflict, "port.holder_program", "name", p.name(), "pid", int(p))
	cwd, err := os.Readlink(p.dir() + "/cwd")
	if err != nil {
		return program
	}
	rel, err := filepath.Rel(filepath.Join(string(root), "runtime"), cwd)
	if err != nil {
		return program
	}
	name, _, _ := strings.Cut(rel, "/")
	n := left4me.Name(name)
	if !n.Valid() {
		return program
	}
	if env, err := root.ReadEnv(n); err == nil && env.Port != 0 && env.Port != port {
		return left4me.NewError(left4me.Conflict, "port.holder_source_tv", "server", n, "port", env.Port, "name", p.name(), "pid", int(p))
	}
	return left4me.NewError(left4me.Conflict, "port.holder_server", "server", n, "name", p.name(), "pid", int(p))
}

// portHolder finds a process with a socket on a port, as far as this user can see it.
func portHolder(port int) (process, bool) {
	inodes := portInodes(port, "udp", "udp6", "tcp", "tcp6")
	if len(inodes) == 0 {
		return 0, false
	}
	for _, p := range processes() {
		if p.hasSocket(inodes) {
			return p, true
		}
	}
	return 0, false
}

// portInodes returns the sockets bound to a local port; for TCP only the listening ones. The format is
// that of proc_net(5): the second column is ADDRESS:PORT in hexadecimal, the fourth the state, the
// tenth the inode.
func portInodes(port int, tables ...string) map[string]bool {
	want := fmt.Sprintf(":%04X", port)
	inodes := map[string]bool{}
	for _, table := range tables {
		f, err := os.Open("/proc/net/" + table)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) < 10 || !strings.HasSuffix(fields[1], want) {
				continue
			}
			if strings.HasPrefix(table, "tcp") && fields[3] != "0A" {
				continue
			}
			inodes[fields[9]] = true
		}
		f.Close()
	}
	return inodes
}

// processes lists the processes that are visible to this one.
func processes() []process {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	var out []process
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			out = append(out, process(pid))
		}
	}
	return out
}

func (p process) hasSocket(inodes map[string]bool) bool {
	d, err := os.Open(p.dir() + "/fd")
	if err != nil {
		return false
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(256)
		for _, name := range names {
			link, err := os.Readlink(p.dir() + "/fd/" + name)
			if err != nil {
				continue
			}
			rest, ok := strings.CutPrefix(link, "socket:[")
			if ok && inodes[strings.TrimSuffix(rest, "]")] {
				return true
			}
		}
		if err != nil || len(names) == 0 {
			return false
		}
	}
}

// stat returns a field of proc_pid_stat(5), counted from the state, which is field 0. It is empty if
// the process no longer exists.
func (p process) stat(field int) string {
	b, err := os.ReadFile(p.dir() + "/stat")
	if err != nil {
		return ""
	}
	// The name in parentheses may contain any characters.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if field >= len(fields) {
		return ""
	}
	return string(fields[field])
}

// session returns the session ID of a process, or 0 if it no longer exists.
func (p process) session() int {
	sid, _ := strconv.Atoi(p.stat(3))
	return sid
}

// ownPort checks that the program that answers on a port is the game of this session and not another
// program that took the port in the meantime. Other users' processes are often invisible, but the
// game's are not.
func ownPort(root instance.Root, port, session int) error {
	inodes := portInodes(port, "udp", "udp6")
	if len(inodes) == 0 {
		return nil
	}
	for _, p := range processes() {
		if p.session() != session {
			continue
		}
		if _, err := os.ReadDir(p.dir() + "/fd"); err != nil || p.hasSocket(inodes) {
			return nil
		}
	}
	who := holderOf(root, port)
	return left4me.NewError(left4me.Conflict, "port.answered_by_another", "port", port, "program", who).InField("port")
}

// network is the address that the game reports for its socket.
type network struct {
	ip   netip.Addr
	port int
}

// parseNetwork reads "Network: IP 0.0.0.0, mode MP, dedicated Yes, ports 27015 SV / 0 CL".
func parseNetwork(line []byte) (network, bool) {
	rest, ok := bytes.CutPrefix(line, []byte("Network: IP "))
	if !ok {
		return network{}, false
	}
	ip, rest, ok := bytes.Cut(rest, []byte(","))
	if !ok {
		return network{}, false
	}
	_, rest, ok = bytes.Cut(rest, []byte(" ports "))
	if !ok {
		return network{}, false
	}
	digits, _, _ := bytes.Cut(rest, []byte(" "))
	port, err := strconv.Atoi(string(digits))
	if err != nil || port < 1 || port > 65535 {
		return network{}, false
	}
	addr, _ := netip.ParseAddr(string(ip))
	return network{ip: addr, port: port}, true
}

// target returns the address for queries to the server.
func (n network) target(want int) string {
	ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if n.ip.IsValid() && !n.ip.IsUnspecified() {
		ip = n.ip
	}
	return netip.AddrPortFrom(ip, uint16(want)).String()
}

// loadsMap reports whether a line says that a map is being loaded. Clients may be able to make the
// server print such a line, so it extends the watchdog's deadline only once.
func loadsMap(line []byte) bool {
	if len(line) == 0 || bytes.IndexByte([]byte("-CLE"), line[0]) < 0 {
		return false // cheap check first: loadsMap runs on every line
	}
	for _, begin := range mapLines {
		if bytes.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

var mapLines = [][]byte{
	[]byte("---- Host_Changelevel ----"), []byte("---- Host_NewGame ----"), []byte("-------- Mapchange to "),
	[]byte("Changing map to "), []byte("Loading map "), []byte("Executing dedicated server config file"),
}

// unmark removes the marks that the engine puts before some lines: "#", and "#NN:" for forked children.
func unmark(line []byte) []byte {
	if len(line) == 0 || line[0] != '#' {
		return line
	}
	rest := bytes.TrimLeft(line[1:], "0123456789")
	if len(rest) > 0 && rest[0] == ':' && len(rest) < len(line)-1 {
		return rest[1:]
	}
	return line[1:]
}

// Bound reports whether any program uses a UDP port of this host.
func Bound(port int) bool { return len(portInodes(port, "udp", "udp6")) > 0 }

// Holder describes the server or program that uses a port, as far as this user can see it: an
// argument of a text, or nil if unknown.
func Holder(root instance.Root, port int) *left4me.Error {
	p, ok := portHolder(port)
	if !ok {
		return nil
	}
	return p.describe(root, port)
}
