package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/sim/srcds/internal/content"
)

// build is the build number of the engine.
const build = "10097"

// start does the work before the first map and prints what a real server prints. If ok is false, the
// process exits with the code.
func (s *server) start() (code int, ok bool) {
	s.print("#Using shader api: bin/shaderapiempty_srv.so\n#Console initialized.\n")
	if _, err := os.Stat(filepath.Join(s.root, s.opt.game, "gameinfo.txt")); err != nil {
		s.printf("Setup file 'gameinfo.txt' doesn't exist in subdirectory '%s'.\n", s.opt.game)
		s.print("Check your -game parameter or VCONFIG setting.\n")
		return 1, false
	}
	if s.opt.conDebug {
		if f, err := os.OpenFile(filepath.Join(s.root, s.opt.game, "console.log"),
			os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644); err == nil {
			s.out = io.MultiWriter(s.out, f)
		}
	}
	s.print("Setting breakpad minidump AppID = 222860\n#Using breakpad minidump system\n")
	s.print("Using breakpad crash handler\n#Game_srv.so loaded for \"Left 4 Dead 2\"\n")
	if how := s.opt.sim.faults.crashAtStart; how != "" {
		faultCommands{s}.crash(how)
	}
	s.hibernating = true
	s.print("Server is hibernating\n")
	s.print("ConVarRef test_progression_loop doesn't point to an existing ConVar\n")
	s.loadSteam()
	s.print("Parent cvar in server.dll not allowed (z_reload_chatter_shotgun_ammo_threshold)\n")
	s.print("Game supporting (2) split screen players\n")
	s.printf("maxplayers set to %d\n", s.opt.maxPlayers)

	// An error means that the directory is not writable, which does not stop the game either.
	_ = content.WriteAddonList(s.root)
	s.files = content.Scan(s.root)
	if err := s.listen(); err != nil {
		s.printf("WARNING: NET_OpenSocket: bind: %s\nCouldn't allocate any server IP port\n", reason(err))
		return 1, false
	}
	s.printf("Network: IP %s, mode MP, dedicated Yes, ports %d SV / 0 CL\n", s.address.Addr(), s.address.Port())
	s.con.Set("hostport", strconv.Itoa(int(s.address.Port())))
	if s.rcon == nil {
		s.printf("Couldn't bind RCON port %d\n", s.address.Port())
	}
	if autoexec, err := s.files.ReadFile("cfg/autoexec.cfg"); err == nil && len(autoexec) > 0 {
		s.con.Run("exec autoexec.cfg")
	}
	for _, c := range s.opt.commands {
		s.con.RunCommand(c.name, c.words)
	}
	return 0, true
}

// loadSteam prints the messages of a real server about Steam's library, found or missing.
func (s *server) loadSteam() {
	library := os.Getenv("HOME") + "/.steam/sdk32/steamclient.so"
	if s.opt.sim.faults.steam == "nolibrary" {
		s.printf("dlopen failed trying to load:\n%s\nwith error:\n%[1]s: cannot open shared object file: No such file or directory\n",
			library)
		s.print("[S_API FAIL] SteamAPI_Init() failed; unable to locate a running instance of Steam, or a local steamclient.dll.\n")
		return
	}
	s.printf("[S_API] SteamAPI_Init(): Loaded '%s' OK.\n", library)
	// The real server omits the line end here.
	s.print("[S_API FAIL] SteamAPI_Init() failed; create pipe failed.")
}

// reason returns the errno text with an initial capital, as in C.
func reason(err error) string {
	text := err.Error()
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		text = sys.Err.Error()
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// listen opens the socket of the game on the wanted port or, as this game does silently, on the next
// free port. RCON uses the same number over TCP; without -ip it listens only on the address of the host
// name.
func (s *server) listen() error {
	address := netip.IPv4Unspecified()
	switch s.opt.ip {
	case "":
	case "localhost":
		address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		var err error
		if address, err = netip.ParseAddr(s.opt.ip); err != nil {
			return errors.New("cannot assign requested address")
		}
	}
	remote := address
	if s.opt.ip == "" {
		remote = hostAddress()
	}
	const tries = 32
	first := s.opt.port + s.opt.sim.faults.wrongPort
	var err error
	for i := range tries {
		port := first + i
		if s.opt.port == 0 { // chosen by the system, only used by tests
			port = 0
		}
		if port > 65535 {
			break
		}
		wanted := net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, uint16(port)))
		if s.conn, err = net.ListenUDP("udp4", wanted); err != nil {
			continue
		}
		s.address = netip.AddrPortFrom(remote, uint16(s.conn.LocalAddr().(*net.UDPAddr).Port))
		var rconErr error
		if s.rcon, rconErr = net.Listen("tcp4", s.address.String()); rconErr == nil || port != 0 {
			return nil
		}
		s.conn.Close()
		err = rconErr
	}
	return err
}

// hostAddress returns the address of the host name, often 127.0.1.1.
func hostAddress() netip.Addr {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if name, err := os.Hostname(); err == nil {
		if found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name); err == nil && len(found) > 0 {
			return found[0].Unmap()
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// readConsole passes on console input. At the end of the input the server continues without a console.
func (s *server) readConsole(in io.Reader) {
	const longest = 64 << 10
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1024), longest)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			s.do(func() { s.con.Run(line) })
		}
	}
}

// readQueries passes on the packets of the game's socket. While the engine is busy, packets wait in the
// socket's buffer, as with the real server.
func (s *server) readQueries() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // ICMP error of an earlier packet
		}
		s.do(func() {
			if !s.playing() {
				return
			}
			s.setQueryLimit()
			for _, datagram := range s.query.Answer(buf[:n], from, time.Now(), (*public)(s)) {
				s.send(from, datagram)
			}
		})
	}
}

func (s *server) setQueryLimit() {
	if s.opt.sim.queryLimit {
		window := max(1, s.con.Int("sv_max_queries_window"))
		s.query.Window = time.Duration(window) * time.Second
		s.query.Limit = s.con.Int("sv_max_queries_sec") * window
	}
}

func (s *server) send(to netip.AddrPort, datagram []byte) {
	if s.conn != nil {
		_, _ = s.conn.WriteToUDPAddrPort(datagram, to)
	}
}
