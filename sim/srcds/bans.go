package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/sim/srcds/internal/console"
	"github.com/left4me/left4me/source/srcdslog"
)

// bans contains the lists of banid and addip.
type bans struct {
	ids       map[srcdslog.SteamID]time.Time // end of the ban, zero for a permanent ban
	addresses map[netip.Addr]time.Time
}

func newBans() bans {
	return bans{map[srcdslog.SteamID]time.Time{}, map[netip.Addr]time.Time{}}
}

func (b bans) has(id srcdslog.SteamID, from netip.Addr, now time.Time) bool {
	holds := func(until time.Time, ok bool) bool { return ok && (until.IsZero() || now.Before(until)) }
	until, ok := b.ids[id]
	if holds(until, ok) {
		return true
	}
	until, ok = b.addresses[from]
	return holds(until, ok)
}

// banCommands implements the ban commands.
type banCommands struct{ server *server }

func (c banCommands) add() {
	add := c.server.con.Command
	add("banid", "Add a user ID to the ban list.", c.banID)
	add("removeid", "Remove a user ID from the ban list.", c.removeID)
	add("listid", "Lists banned users.", func(console.Args) {
		listBans(c.server, "User", c.server.bans.ids, srcdslog.SteamID.Steam2)
	})
	add("writeid", "Writes a list of permanently-banned user IDs to banned_user.cfg.", func(console.Args) {
		writeBans(c.server, "banned_user.cfg", "banid", c.server.bans.ids, srcdslog.SteamID.Steam2)
	})
	add("addip", "Add an IP address to the ban list.", c.banIP)
	add("banip", "Add an IP address to the ban list.", c.banIP)
	add("removeip", "Remove an IP address from the ban list.", c.removeIP)
	add("listip", "List IP addresses on the ban list.", func(console.Args) {
		listBans(c.server, "IP", c.server.bans.addresses, netip.Addr.String)
	})
	add("writeip", "Save the ban list to banned_ip.cfg.", func(console.Args) {
		writeBans(c.server, "banned_ip.cfg", "addip", c.server.bans.addresses, netip.Addr.String)
	})
}

// banTerm parses the duration of a ban in minutes, where 0 means permanent. It also returns the text
// for the log.
func banTerm(word string) (until time.Time, long string) {
	minutes, err := strconv.ParseFloat(word, 64)
	if err != nil || minutes <= 0 {
		return time.Time{}, "permanently"
	}
	return time.Now().Add(time.Duration(minutes * float64(time.Minute))), fmt.Sprintf("for %.2f minutes", minutes)
}

func (c banCommands) banID(a console.Args) {
	if len(a.Words) < 2 {
		c.server.print("Usage:  banid < minutes > < userid | uniqueid > { kick }\n")
		return
	}
	until, long := banTerm(a.Words[0])
	p := c.server.game.Find(a.Words[1])
	id, err := srcdslog.ParseSteamID(a.Words[1])
	token := fmt.Sprintf("<><%s><>", a.Words[1])
	if p != nil {
		id, err, token = p.SteamID, nil, p.Token()
	}
	if err != nil || id == 0 {
		c.server.printf("Banid: couldn't find %s\n", a.Words[1])
		return
	}
	c.server.bans.ids[id] = until
	if c.server.con.Bool("sv_logbans") {
		c.server.log.Line(`Banid: "%s" was banned "%s" by "Console"`, token, long)
	}
	if p != nil && strings.EqualFold(a.Word(2), "kick") {
		c.server.kick(p, p.Name, "")
	}
}

func (c banCommands) removeID(a console.Args) {
	id, err := srcdslog.ParseSteamID(a.Word(0))
	if n, nErr := strconv.Atoi(a.Word(0)); nErr == nil && n >= 1 && n <= len(c.server.bans.ids) {
		id, err = sortedBans(c.server.bans.ids)[n-1], nil
	}
	if _, ok := c.server.bans.ids[id]; !ok || err != nil {
		c.server.printf("removeid:  couldn't find %s\n", a.Word(0))
		return
	}
	delete(c.server.bans.ids, id)
	c.server.printf("removeid:  filter removed for %s\n", id.Steam2())
}

func (c banCommands) banIP(a console.Args) {
	if len(a.Words) < 2 {
		c.server.print("Usage: addip < minutes > < ipaddress >\n")
		return
	}
	ip, err := netip.ParseAddr(a.Words[1])
	if err != nil {
		c.server.printf("Invalid IP address!\n")
		return
	}
	until, long := banTerm(a.Words[0])
	c.server.bans.addresses[ip] = until
	if c.server.con.Bool("sv_logbans") {
		c.server.log.Line(`Addip: "<><><>" was banned by IP "%s" by "Console" (IP "%s")`, long, ip)
	}
}

func (c banCommands) removeIP(a console.Args) {
	ip, _ := netip.ParseAddr(a.Word(0))
	if _, ok := c.server.bans.addresses[ip]; !ok {
		c.server.printf("removeip: couldn't find %s.\n", a.Word(0))
		return
	}
	delete(c.server.bans.addresses, ip)
	c.server.printf("removeip:  filter removed for %s\n", ip)
}

// banned is the type of a banned ID or address.
type banned interface {
	comparable
	srcdslog.SteamID | netip.Addr
	String() string
}

func sortedBans[K banned](m map[K]time.Time) []K {
	list := make([]K, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b K) int { return strings.Compare(a.String(), b.String()) })
	return list
}

func listBans[K banned](s *server, title string, m map[K]time.Time, text func(K) string) {
	switch len(m) {
	case 0:
		s.printf("%s filter list: empty\n", title)
		return
	case 1:
		s.printf("%s filter list: 1 entry\n", title)
	default:
		s.printf("%s filter list: %d entries\n", title, len(m))
	}
	for i, k := range sortedBans(m) {
		if until := m[k]; until.IsZero() {
			s.printf("%d %s : permanent\n", i+1, text(k))
		} else {
			s.printf("%d %s : %.3f min\n", i+1, text(k), time.Until(until).Minutes())
		}
	}
}

// writeBans writes the permanent bans as commands to a file in cfg/.
func writeBans[K banned](s *server, file, command string, m map[K]time.Time, text func(K) string) {
	s.printf("Writing %s.\n", file)
	var b strings.Builder
	for _, k := range sortedBans(m) {
		if m[k].IsZero() {
			fmt.Fprintf(&b, "%s 0 %s\n", command, text(k))
		}
	}
	dir := filepath.Join(s.root, s.opt.game, "cfg")
	if err := os.WriteFile(filepath.Join(dir, file), []byte(b.String()), 0o644); err != nil {
		s.printf("Couldn't open %s\n", file)
	}
}
