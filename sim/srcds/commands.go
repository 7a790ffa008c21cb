package main

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/sim/srcds/internal/console"
	"github.com/left4me/left4me/sim/srcds/internal/content"
	"github.com/left4me/left4me/sim/srcds/internal/game"
)

// addCommands adds the commands of the game and of the engine.
func (s *server) addCommands() {
	add := s.con.Command
	nothing := func(console.Args) {}

	add("status", "Display map and connection status.", func(console.Args) { s.print(s.status()) })
	add("stats", "Prints server performance variables", func(console.Args) { s.print(s.stats()) })
	add("users", "Show user info for players on server.", s.users)
	add("maps", "Displays list of maps.", s.listMaps)
	add("map", "Start playing on specified map.", s.changeMap)
	add("changelevel", "Change server to the specified map", s.changeMap)
	add("mission_reload", "Reload mission metadata", s.reloadMissions)
	add("update_addon_paths", "Reloads the search paths for game addons.", func(console.Args) {
		_ = content.WriteAddonList(s.root)
		s.files = content.Scan(s.root)
	})

	add("say", "Display player message", func(a console.Args) {
		s.printf("Console: %s\n", a.Text())
		s.log.Line(`"Console<0><Console><Console>" say "%s"`, a.Text())
	})
	add("kick", "Kick a player by name.", func(a console.Args) { s.kick(s.game.Find(a.Text()), a.Text(), "") })
	add("kickid", "Kick a player by userid or uniqueid, with a message.", func(a console.Args) {
		s.kick(s.game.Find(a.Word(0)), a.Word(0), strings.Join(a.Words[min(1, len(a.Words)):], " "))
	})
	banCommands{s}.add()

	add("log", "Enables logging to file, console, and udp < on | off >.", logCommands{s}.switchLog)
	add("logaddress_add", "Set address and port for remote host <ip:port>.", logCommands{s}.addLogAddress)
	add("logaddress_del", "Remove address and port for remote host <ip:port>.", logCommands{s}.deleteLogAddress)
	add("logaddress_delall", "Remove all udp addresses being logged to", func(console.Args) { s.log.DeleteAll() })
	add("logaddress_list", "List all addresses currently being used by logaddress.", logCommands{s}.listLogAddresses)

	add("plugin_print", "Prints details about loaded plugins", func(console.Args) {
		s.print("Loaded plugins:\n---------------------\n---------------------\n")
	})
	add("heartbeat", "Force heartbeat of master servers", nothing)
	add("sv_pure", "Show user data.", nothing)
	add("mp_disable_autokick", "Prevents a userid from being auto-kicked", nothing)

	add("quit", "Exit the engine.", s.quit)
	add("exit", "Exit the engine.", s.quit)
	add("_restart", "Shutdown and restart the engine.", s.quit)
}

func (s *server) quit(console.Args) {
	if s.opt.sim.faults.ignoreQuit {
		return
	}
	s.log.Stop()
	// Exit immediately: an RCON client sees the connection close without an answer.
	os.Exit(0)
}

func (s *server) users(console.Args) {
	s.print("<slot:userid:\"name\">\n")
	for _, p := range s.game.Players() {
		s.printf("%d:%d:\"%s\"\n", p.Slot-1, p.UserID, p.Name)
	}
	s.printf("%d users\n", len(s.game.Players()))
}

// listMaps lists the maps whose name contains a text, or all maps for "*".
func (s *server) listMaps(a console.Args) {
	if len(a.Words) == 0 {
		s.print("Usage:  maps <string>\nmaps *  for full listing\n")
		return
	}
	part := strings.ToLower(a.Words[0])
	s.print("-------------\n")
	var names []string
	for name := range s.files.Maps {
		if part == "*" || strings.Contains(name, part) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		s.printf("PENDING:   (fs) %s.bsp\n", name)
	}
}

// changeMap implements map and changelevel. A second argument sets the game mode.
func (s *server) changeMap(a console.Args) {
	if len(a.Words) == 0 {
		s.printf("Usage:  %s <mapname> [mode]\n", a.Name)
		return
	}
	name := strings.TrimSuffix(strings.ToLower(a.Words[0]), ".bsp")
	if a.Name == "changelevel" && !s.files.Maps[name] {
		s.printf("changelevel failed: %s not found\n", name)
		return
	}
	s.next, s.nextMode = name, a.Word(1)
}

func (s *server) reloadMissions(console.Args) {
	s.files = content.Scan(s.root)
	if s.con.Int("developer") < 2 {
		return
	}
	for _, m := range s.files.Missions {
		for _, mode := range slices.Sorted(keys(m.Modes)) {
			for i, chapter := range m.Modes[mode] {
				s.printf("Mission \"%s\" mode \"%s\" chapter %d: map \"%s\"\n", m.Name, mode, i+1, chapter.Map)
			}
		}
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (s *server) kick(p *game.Player, who, message string) {
	if p == nil {
		s.printf("Can't kick \"%s\", name not found\n", who)
		return
	}
	s.log.Line(`Kick: "%s" was kicked by "Console" (message "%s")`, p.Token(), message)
	reason := "Kicked by Console"
	if message != "" {
		reason += " : " + message
	}
	s.printf("Kicked \"%s\"\n", p.Name)
	s.game.Leave(p, reason, time.Now())
	s.updateHibernation()
}

// logCommands implements the commands that configure the log.
type logCommands struct{ server *server }

func (c logCommands) switchLog(a console.Args) {
	switch strings.ToLower(a.Word(0)) {
	case "on", "1":
		c.server.log.Start()
	case "off", "0":
		c.server.log.Stop()
	default:
		state := "not currently logging"
		if c.server.log.On() {
			state = "currently logging"
		}
		c.server.printf("Usage: log < on | off >\n%s\n", state)
	}
}

func (c logCommands) logTarget(a console.Args) (netip.AddrPort, bool) {
	to, err := netip.ParseAddrPort(a.Text())
	if err != nil {
		if ip, err := netip.ParseAddr(a.Text()); err == nil {
			const usual = 27500
			return netip.AddrPortFrom(ip, usual), true
		}
		c.server.printf("%s:  unable to resolve %s\n", a.Name, a.Text())
	}
	return to, err == nil
}

func (c logCommands) addLogAddress(a console.Args) {
	if a.Rest == "" {
		c.server.print("Usage:  logaddress_add ip:port\n")
		return
	}
	to, ok := c.logTarget(a)
	if !ok {
		return
	}
	added, err := c.server.log.Add(to)
	switch {
	case err != nil:
		c.server.printf("logaddress_add:  unable to resolve %s\n", to)
	case added:
		c.server.printf("logaddress_add:  %s\n", to)
	default:
		c.server.printf("logaddress_add:  %s is already in the list\n", to)
	}
}

func (c logCommands) deleteLogAddress(a console.Args) {
	if a.Rest == "" {
		c.server.print("Usage:  logaddress_del ip:port\n")
		return
	}
	to, ok := c.logTarget(a)
	switch {
	case !ok:
	case c.server.log.Delete(to):
		c.server.printf("deleting:  %s\n", to)
	default:
		c.server.printf("logaddress_del:  address %s not found in the list\n", to)
	}
}

func (c logCommands) listLogAddresses(console.Args) {
	targets := c.server.log.Targets()
	switch len(targets) {
	case 0:
		c.server.print("logaddress_list:  no addresses in the list\n")
		return
	case 1:
		c.server.print("logaddress_list: 1 entry\n")
	default:
		c.server.printf("logaddress_list: %d entries\n", len(targets))
	}
	for _, to := range targets {
		c.server.printf("%s\n", to)
	}
}
