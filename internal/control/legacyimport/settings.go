package legacyimport

import (
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// settings returns the settings of a blueprint or a server. Settings that left4me doesn't allow are
// left out and reported.
func (r *reader) settings(whose string, t *table, row map[string]any) left4me.Settings {
	var s left4me.Settings
	try := func(what, value string, set func(*left4me.Settings)) {
		next := s
		next.Cfg, next.Args = append([]string(nil), s.Cfg...), append([]string(nil), s.Args...)
		set(&next)
		next = next.Normal()
		if err := servers.CheckSettings(next); err != nil {
			r.notTaken("%s: %s %q: %v", whose, what, value, err)
			return
		}
		s = next
	}
	if v := text(t.get(row, "hostname", "host_name", "display_name")); v != "" {
		try("hostname", v, func(s *left4me.Settings) { s.Hostname = v })
	}
	if v := text(t.get(row, "map", "start_map", "default_map")); v != "" {
		try("map", v, func(s *left4me.Settings) { s.Map = v })
	}
	if v := text(t.get(row, "mode", "gamemode", "game_mode")); v != "" {
		try("mode", v, func(s *left4me.Settings) { s.Mode = v })
	}
	if v := text(t.get(row, "max_players", "maxplayers", "slots")); v != "" {
		try("max_players", v, func(s *left4me.Settings) { s.MaxPlayers, _ = strconv.Atoi(v) })
	}
	if v := text(t.get(row, "motd")); v != "" {
		try("motd", v, func(s *left4me.Settings) { s.Motd = v })
	}
	for _, line := range lines(text(t.get(row, cfgColumns...))) {
		try("cfg line", line, func(s *left4me.Settings) { s.Cfg = append(s.Cfg, line) })
	}
	for _, a := range arguments(words(text(t.get(row, argsColumns...)))) {
		try("argument", strings.Join(a, " "), func(s *left4me.Settings) { setArgument(s, a) })
	}
	return s
}

// arguments groups each option with its values.
func arguments(all []string) [][]string {
	var groups [][]string
	for _, a := range all {
		option := strings.HasPrefix(a, "-") || strings.HasPrefix(a, "+")
		if _, err := strconv.ParseFloat(a, 64); err == nil {
			option = false // a negative number is a value
		}
		if option || len(groups) == 0 {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], a)
	}
	return groups
}

// setArgument stores an argument: some are settings of left4me, the rest become Args.
func setArgument(s *left4me.Settings, a []string) {
	if len(a) == 2 {
		switch a[0] {
		case "+map":
			s.Map = a[1]
			return
		case "+mp_gamemode":
			s.Mode = a[1]
			return
		case "-maxplayers", "+maxplayers":
			if n, err := strconv.Atoi(a[1]); err == nil {
				s.MaxPlayers = n
				return
			}
		}
	}
	s.Args = append(s.Args, a...)
}
