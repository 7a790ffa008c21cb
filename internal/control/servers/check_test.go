package servers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// validServer returns a valid definition.
func validServer() left4me.Server {
	return left4me.Server{Name: "alpha", Host: "local", Blueprint: "default", Port: 27015, Settings: left4me.Settings{
		Hostname: "Überfall 🧟", Map: "c1m1_hotel", Mode: "versus", Difficulty: "Normal", MaxPlayers: 8, Motd: "two\nlines",
		Cfg: []string{"sv_tags\tx", `say "hi"`}, Args: []string{"-nohltv"},
	}}
}

func TestCheckNamesTheField(t *testing.T) {
	for _, c := range []struct {
		field  string
		change func(*left4me.Server)
	}{
		{"", func(*left4me.Server) {}},
		{"", func(v *left4me.Server) { v.Port = 0 }},
		{"", func(v *left4me.Server) { v.Port = servers.MinPort }},
		{"", func(v *left4me.Server) { v.Port = servers.MaxPort }},
		{"", func(v *left4me.Server) { v.Settings = left4me.Settings{} }},
		{"", func(v *left4me.Server) { v.Settings.Hostname = strings.Repeat("x", left4me.MaxHostname) }},
		{"name", func(v *left4me.Server) { v.Name = "" }},
		{"name", func(v *left4me.Server) { v.Name = "../x" }},
		{"name", func(v *left4me.Server) { v.Name = left4me.InstallInstance }},
		{"host", func(v *left4me.Server) { v.Host = "A" }},
		{"blueprint", func(v *left4me.Server) { v.Blueprint = "a/b" }},
		{"port", func(v *left4me.Server) { v.Port = servers.MinPort - 1 }},
		{"port", func(v *left4me.Server) { v.Port = servers.MaxPort + 1 }},
		{"port", func(v *left4me.Server) { v.Port = -1 }},
		{"settings.hostname", func(v *left4me.Server) { v.Settings.Hostname = strings.Repeat("x", left4me.MaxHostname+1) }},
		{"settings.hostname", func(v *left4me.Server) { v.Settings.Hostname = "a\nrcon_password x" }},
		{"settings.hostname", func(v *left4me.Server) { v.Settings.Hostname = `a"b` }},
		{"settings.hostname", func(v *left4me.Server) { v.Settings.Hostname = "\xff" }},
		{"settings.map", func(v *left4me.Server) { v.Settings.Map = "a;quit" }},
		{"settings.map", func(v *left4me.Server) { v.Settings.Map = "-insecure" }},
		{"settings.map", func(v *left4me.Server) { v.Settings.Map = "../x" }},
		{"settings.map", func(v *left4me.Server) { v.Settings.Map = strings.Repeat("x", 65) }},
		{"settings.mode", func(v *left4me.Server) { v.Settings.Mode = "+map" }},
		{"settings.difficulty", func(v *left4me.Server) { v.Settings.Difficulty = "normal" }},
		{"settings.max_players", func(v *left4me.Server) { v.Settings.MaxPlayers = left4me.MaxSlots + 1 }},
		{"settings.max_players", func(v *left4me.Server) { v.Settings.MaxPlayers = -1 }},
		{"settings.motd", func(v *left4me.Server) { v.Settings.Motd = strings.Repeat("x", 16<<10+1) }},
		{"settings.cfg", func(v *left4me.Server) { v.Settings.Cfg = make([]string, 501) }},
		{"settings.cfg[1]", func(v *left4me.Server) { v.Settings.Cfg = []string{"a", "b\nc"} }},
		{"settings.cfg[0]", func(v *left4me.Server) { v.Settings.Cfg = []string{`say x; "RCON_password" y`, "quit"} }},
		{"settings.cfg[0]", func(v *left4me.Server) { v.Settings.Cfg = []string{"sv_rcon_banpenalty 9"} }},
		{"", func(v *left4me.Server) { v.Settings.Cfg = []string{"sv_rcon_log 0", "// quit", `say "a;quit"`} }},
		{"settings.args[0]", func(v *left4me.Server) { v.Settings.Args = []string{"+rcon_password", "x"} }},
		{"settings.tick", func(v *left4me.Server) { v.Settings.Tick = 129 }},
		{"settings.region", func(v *left4me.Server) { v.Settings.Region = "moon" }},
		{"settings.steam_groups[1]", func(v *left4me.Server) { v.Settings.SteamGroups = []string{"1", "clan"} }},
		{"settings.password", func(v *left4me.Server) { v.Settings.Password = "a;b" }},
		{"settings.tags[1]", func(v *left4me.Server) { v.Settings.Tags = []string{"a", "b,c"} }},
		{"settings.tags", func(v *left4me.Server) {
			v.Settings.Tags = []string{strings.Repeat("a", 100), strings.Repeat("b", 100)}
		}},
		{"settings.motd", func(v *left4me.Server) { v.Settings.Motd = "a\x00" }},
		{"settings.host_text", func(v *left4me.Server) { v.Settings.HostText = "a\x1b[2J" }},
		{"settings.banner", func(v *left4me.Server) { v.Settings.Banner = "javascript:x" }},
		{"settings.admins[0]", func(v *left4me.Server) { v.Settings.Admins = []left4me.Admin{{ID: "gabe", Flags: "z"}} }},
		{"settings.admins[0]", func(v *left4me.Server) { v.Settings.Admins = []left4me.Admin{{ID: "STEAM_1:0:1"}} }},
		{"settings.admins[0]", func(v *left4me.Server) { v.Settings.Admins = []left4me.Admin{{ID: "STEAM_1:0:1", Flags: "100:z"}} }},
		{"settings.admins[0]", func(v *left4me.Server) { v.Settings.Admins = []left4me.Admin{{ID: "STEAM_1:0:1", Group: `x" "z`}} }},
		{"", func(v *left4me.Server) {
			v.Settings.Admins = []left4me.Admin{{ID: "[U:1:5]", Group: "Full Admins", Note: "Zoë"}, {ID: "STEAM_1:0:1", Flags: "9:ab"}}
		}},
		{"", func(v *left4me.Server) { v.Settings.Args = []string{"-insecure", "+sv_lan", "0", "-tickrate", "60"} }},
		{"settings.args", func(v *left4me.Server) { v.Settings.Args = make([]string, 101) }},
		{"settings.args[0]", func(v *left4me.Server) { v.Settings.Args = []string{"a\x00b"} }},
		{"settings.args[1]", func(v *left4me.Server) { v.Settings.Args = []string{"-insecure", "-port", "27016"} }},
		{"settings.args[0]", func(v *left4me.Server) { v.Settings.Args = []string{"-Binary"} }},
		{"settings.args[0]", func(v *left4me.Server) { v.Settings.Args = []string{`a" -game "x`} }},
	} {
		v := validServer()
		c.change(&v)
		err := servers.Check(v)
		e, ok := left4me.Public(err)
		if c.field == "" {
			if err != nil {
				t.Errorf("%+v: %v", v, err)
			}
			continue
		}
		if !ok || e.Kind != left4me.Invalid || e.Field != c.field || e.Text == "" {
			t.Errorf("%v is not about %s", err, c.field)
		}
	}
}

func TestCheckReportsAllFields(t *testing.T) {
	err := servers.Check(left4me.Server{Name: "A", Host: "B", Blueprint: "C", Port: 1, Settings: left4me.Settings{Map: " ", Mode: " "}})
	var all left4me.Fields
	if !errors.As(err, &all) || len(all) != 6 {
		t.Errorf("got error %v", err)
	}
}

func TestCommandsMustBeOneLineOfText(t *testing.T) {
	for _, good := range []string{"status", `say "hi"; map c1m1_hotel`, "say ünïcode 🧟", strings.Repeat("x", 480)} {
		if err := servers.CheckCommand(good); err != nil {
			t.Errorf("%.40q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", " ", "a\nb", "a\r", "a\x00", "a\x1b[A", "a\tb", "a\u009bb", "a\u2029b", "\xff",
		strings.Repeat("x", 481),
	} {
		err := servers.CheckCommand(bad)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Invalid || e.Field != "command" {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}
