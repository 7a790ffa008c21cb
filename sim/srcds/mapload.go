package main

import (
	"runtime/debug"
	"strings"
	"time"

	"github.com/left4me/left4me/sim/srcds/internal/console"
	"github.com/left4me/left4me/sim/srcds/internal/game"
)

// loadMap loads the map requested by a command. It blocks the engine, as the real server does.
func (s *server) loadMap() {
	name := s.next
	s.next = ""
	if !s.files.Maps[name] {
		s.printf("map load failed: %s not found or invalid\n", name)
		s.current = ""
		s.game.EndMap()
		return
	}
	if s.nextMode != "" {
		s.con.Set("mp_gamemode", s.nextMode)
		s.nextMode = ""
	}
	s.log.Rotate()
	s.log.Line(`Loading map "%s"`, name)
	wait := s.opt.sim.mapLoad
	if s.maps == 0 {
		wait += s.opt.sim.faults.slowStart
	}
	time.Sleep(wait)
	s.maps++
	s.current = name

	s.print("Executing dedicated server config file\n")
	s.con.Run(`exec "` + s.con.String("servercfgfile") + `"`)
	if text, err := s.files.ReadFile("cfg/" + name + ".cfg"); err == nil && len(text) > 0 {
		s.con.Run(`exec "` + name + `.cfg"`)
	}
	s.openSourceTV()
	if s.log.On() {
		s.log.Line("server cvars start")
		for _, v := range s.con.Vars(console.Notify) {
			s.log.Line(`"%s" = "%s"`, v.Name, v.Public())
		}
		s.log.Line("server cvars end")
	}
	s.log.Line(`Started map "%s" (CRC "%d")`, name, checksum(name))
	if s.maps == 1 && !s.con.Bool("sv_lan") && !s.opt.noMaster && s.opt.sim.faults.steam != "nolibrary" {
		s.print("Connection to Steam servers successful.\n")
		if s.opt.sim.faults.steam == "lost" {
			s.print("Connection to Steam servers lost.\n")
		}
		if !s.opt.insecure {
			s.print("   VAC secure mode is activated.\n")
		}
	}
	s.game.StartMap(s.rules(), time.Now())
	s.updateHibernation()
	// Return the memory that the scan of the add-ons and the start needed.
	debug.FreeOSMemory()
}

// checksum replaces the map's CRC with a number that is always the same for a map.
func checksum(name string) int32 {
	var n int32
	for _, c := range []byte(name) {
		n = n*31 + int32(c)
	}
	return n
}

func (s *server) rules() game.Rules {
	versus := isVersus(s.con.String("mp_gamemode"))
	most := 4
	if versus {
		most = 8
	}
	return game.Rules{
		Map: s.current, Versus: versus, Hibernate: s.con.Bool("sv_hibernate_when_empty"),
		Most: min(most, s.opt.maxPlayers),
	}
}

// isVersus reports whether players play both sides in a mode.
func isVersus(mode string) bool {
	switch strings.ToLower(mode) {
	case "versus", "teamversus", "scavenge", "teamscavenge", "mutation12", "mutation15":
		return true
	}
	return false
}
