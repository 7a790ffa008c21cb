package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/sim/srcds/internal/console"
	"github.com/left4me/left4me/source/a2s"
)

// public answers queries for the server.
type public server

// Info answers A2S_INFO. It counts human players only.
func (p *public) Info() a2s.Info {
	s := (*server)(p)
	return a2s.Info{
		Protocol: 17, Name: s.con.String("hostname"), Map: s.current, Folder: "left4dead2", Game: "Left 4 Dead 2",
		AppID: 550, Players: uint8(s.game.Humans()), MaxPlayers: uint8(s.visibleSlots()), Bots: uint8(s.game.Bots()),
		ServerType: 'd', OS: 'l', Password: s.con.String("sv_password") != "", VAC: !s.opt.insecure,
		Version: s.version(),
		Extra:   a2s.HasPort | a2s.HasSteamID | a2s.HasKeywords | a2s.HasGameID,
		Port:    s.address.Port(), SteamID: s.steamID(), Keywords: s.keywords(), GameID: 550,
	}
}

// Players answers A2S_PLAYER.
func (p *public) Players() []a2s.Player {
	s := (*server)(p)
	var list []a2s.Player
	for _, o := range s.game.Players() {
		entry := a2s.Player{Name: o.Name, Score: int32(o.Score), Duration: time.Since(o.Since)}
		switch {
		case o.Bot: // bots report about the uptime of the server
			entry.Duration = time.Since(s.started)
		case o.State != "active":
			entry.Name = ""
		}
		list = append(list, entry)
	}
	return list
}

// Rules answers A2S_RULES.
func (p *public) Rules() []a2s.Rule {
	s := (*server)(p)
	var rules []a2s.Rule
	for _, v := range s.con.Vars(console.Notify) {
		if s.opt.sim.smallRules && (v.Value == "" || v.Help == "") {
			continue
		}
		rules = append(rules, a2s.Rule{Name: v.Name, Value: v.Public()})
	}
	return rules
}

func (s *server) keywords() string {
	words := []string{s.con.String("mp_gamemode")}
	if s.game.Humans() == 0 {
		words = append(words, "empty")
	}
	if !s.opt.insecure {
		words = append(words, "secure")
	}
	for tag := range strings.SplitSeq(s.con.String("sv_tags"), ",") {
		if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(words, tag) {
			words = append(words, tag)
		}
	}
	return strings.Join(words, ",")
}

// visibleSlots returns the number of player slots that the server publishes.
func (s *server) visibleSlots() int {
	if n := s.con.Int("sv_visiblemaxplayers"); n >= 0 {
		return min(n, 255)
	}
	return s.rules().Most
}

// steamID returns the SteamID of an anonymous game server, different for each port.
func (s *server) steamID() uint64 {
	const gameServer = 0x0140000100000000
	return gameServer + uint64(s.address.Port())
}

// version returns the version in steam.inf.
func (s *server) version() string {
	text, _ := s.files.ReadFile("steam.inf")
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "PatchVersion="); ok {
			return v
		}
	}
	return "2.2.4.3"
}

// status returns the output of the command "status".
func (s *server) status() string {
	var b strings.Builder
	secure, known := "secure", "n/a"
	if s.opt.insecure {
		secure = "insecure"
	}
	switch {
	case s.con.Bool("sv_lan"), s.opt.noMaster:
	case s.opt.sim.faults.steam == "same":
		known = "same"
	case s.opt.sim.faults.steam == "":
		known = netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, 9}), s.address.Port()).String()
	}
	current := s.current
	if current == "" {
		current = "<none>"
	}
	awake := "not hibernating"
	if s.hibernating {
		awake = "hibernating"
	}
	fmt.Fprintf(&b, "hostname: %s\n", s.con.String("hostname"))
	fmt.Fprintf(&b, "version : %s %s %s  (unknown)\n", s.version(), build, secure)
	fmt.Fprintf(&b, "udp/ip  : %s [ public %s ]\n", s.address, known)
	fmt.Fprintf(&b, "os      : Linux Dedicated\nmap     : %s\n", current)
	reservation := "unreserved"
	if s.opt.sim.faults.reserved != "" {
		reservation = "reserved " + s.opt.sim.faults.reserved
	}
	fmt.Fprintf(&b, "players : %d humans, %d bots (%d max) (%s) (%s)\n\n", s.game.Humans(), s.game.Bots(),
		s.visibleSlots(), awake, reservation)
	b.WriteString("# userid name uniqueid connected ping loss state rate adr\n")
	for _, p := range s.game.Players() {
		if p.Bot {
			fmt.Fprintf(&b, "#%2d \"%s\" BOT active\n", p.UserID, p.Name)
			continue
		}
		fmt.Fprintf(&b, "# %2d %d \"%s\" %s %s %d %d %s %d %s\n", p.UserID, p.Slot, p.Name, p.ID(),
			clock(time.Since(p.Since)), p.Ping, p.Loss, p.State, p.Rate, p.Address)
	}
	b.WriteString("#end\n")
	return b.String()
}

// clock formats a duration as MM:SS, or H:MM:SS from one hour.
func clock(d time.Duration) string {
	seconds := int(d / time.Second)
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
}

// stats returns the output of the command "stats".
func (s *server) stats() string {
	fps := 30.0
	if s.hibernating {
		fps = 10
	}
	return "CPU   NetIn   NetOut    Uptime  Maps   FPS   Players  Svms    +-ms   ~tick\n" +
		fmt.Sprintf("%-5.1f %-7.1f %-9.1f %-7d %-6d %-5.2f %-8d %-7.2f %-6.2f %.2f\n",
			2.5*float64(s.game.Humans()), 4.5*float64(s.game.Humans()), 11.5*float64(s.game.Humans()),
			int(time.Since(s.started)/time.Minute), s.maps, fps, s.game.Humans(), 33.33, 0.05, 0.02)
}
