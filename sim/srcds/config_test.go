package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/left4me/left4me/sim/installation"
)

func TestConfigIsRunInOrder(t *testing.T) {
	long := "echo " + strings.Repeat("x", 600)
	p := start(t, map[string]string{
		"cfg/autoexec.cfg": "echo step autoexec\nsv_tags fromautoexec\nsv_contact fromautoexec\n",
		"cfg/mine.cfg":     "echo step exec\n",
		"cfg/server.cfg": `echo step server.cfg // a comment
hostname "Semi; colon // no comment"; sv_contact somebody at home
sv_region 3;;sv_visiblemaxplayers 7
z_common_limit 50
frobnicate 1
` + long + `
exec deeper.cfg
exec missing.cfg
sv_search_key "never closed
`,
		"cfg/deeper.cfg":     "echo step deeper\nexec circle.cfg\n",
		"cfg/circle.cfg":     "exec circle.cfg\n",
		"cfg/c1m1_hotel.cfg": "echo step map\r\nsv_steamgroup 123\r\n",
		"motd.txt":           "welcome\n",
	}, nil, "+exec", "mine.cfg", "+sv_tags", "a,b", "+sv_region", "5", "+rcon_password", "x")
	all := p.out.String()
	at := 0
	for _, step := range []string{"autoexec", "exec", "server.cfg", "deeper", "map"} {
		i := strings.Index(all, "step "+step+"\n")
		if i < at {
			t.Errorf("%s is missing or out of order", step)
		}
		at = i
	}
	for _, line := range []string{
		"Unknown command \"frobnicate\"\n",
		"Can't use cheat cvar z_common_limit in multiplayer, unless the server has sv_cheats set to 1.\n",
		"overflows the tokenizer buffer",
		"exec: couldn't exec missing.cfg\n",
		"exec: too many nested scripts",
	} {
		if !strings.Contains(all, line) {
			t.Errorf("missing line %q", line)
		}
	}
	for _, want := range []string{
		`"hostname" = "Semi; colon // no comment" ( def. "Left 4 Dead 2" ) - Hostname for server.`,
		`"sv_contact" = "somebody at home" ( def. "" ) notify - Contact email for server sysop`,
		`"sv_region" = "3" ( def. "255" ) - `, // server.cfg is executed after the command line
		`"sv_tags" = "a,b" ( def. "" ) notify - `,
		`"sv_visiblemaxplayers" = "7" ( def. "-1" ) - `,
		`"sv_search_key" = "never closed" ( def. "" ) - `,
		`"sv_steamgroup" = "123" ( def. "" ) notify - `,
		`"z_common_limit" = "30" game cheat replicated - `,
		`"mp_gamemode" = "coop" game notify replicated - `,
	} {
		name := strings.Split(want, `"`)[1]
		if got := p.ask(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := p.ask("sv_cheats 1", "z_common_limit 50", "z_common_limit"); !strings.Contains(got, `"z_common_limit" = "50"`) {
		t.Errorf("with cheats: got %s", got)
	}
	if got := p.ask("sim_file motd.txt"); got != "welcome\n" {
		t.Errorf("motd: got %q", got)
	}
	if info := p.ready(); info.Name != "Semi; colon // no comment" || info.MaxPlayers != 7 || info.Keywords != "coop,empty,secure,a,b" {
		t.Errorf("got info %+v", info)
	}
}

func TestMapChangeRunsServerConfig(t *testing.T) {
	p := start(t, map[string]string{
		"cfg/server2.cfg": "sv_region 4\n", "cfg/server.cfg": "sv_region 6\n",
	}, nil, "+servercfgfile", "server2.cfg")
	if got := p.ask("sv_region 7", "sv_region"); !strings.Contains(got, `= "7"`) {
		t.Errorf("after sv_region 7: got %s", got)
	}
	p.typed("map c1m2_streets")
	if got := p.ask("sv_region"); !strings.Contains(got, `= "4"`) {
		t.Errorf("after a map change: got %s", got)
	}
}

func TestMissingConfigIsReported(t *testing.T) {
	p := start(t, nil, nil)
	p.wait("exec: couldn't exec server.cfg")
}

func TestExecStaysInGameDirectory(t *testing.T) {
	p := start(t, map[string]string{"outside.cfg": "echo escaped\n"}, nil)
	for _, name := range []string{"../outside.cfg", `..\outside.cfg`, "../../../../../../etc/passwd", "/etc/passwd"} {
		if got := p.ask("exec " + name); !strings.Contains(got, "couldn't exec") && strings.Contains(got, "root:") {
			t.Errorf("exec %s: %s", name, got)
		}
	}
	if got := p.ask("exec ../../../outside.cfg"); !strings.Contains(got, "couldn't exec") {
		t.Errorf("exec of a file outside: got %s", got)
	}
}

func TestMapsAndMissions(t *testing.T) {
	root := lay(t, map[string]string{"maps/Loose_One.bsp": "VBSP"})
	p := launch(t, root, nil, "+map", "c14m1_junkyard") // a map of the update directory
	p.ready()
	maps := p.ask("maps *")
	for _, name := range []string{"c1m1_hotel", "c6m1_riverbank", "c8m1_apartment", "c13m1_alpinecreek", "c14m2_lighthouse", "loose_one"} {
		if !strings.Contains(maps, "(fs) "+name+".bsp\n") {
			t.Errorf("missing map %s", name)
		}
	}
	if n := strings.Count(maps, "PENDING"); n != 58 {
		t.Errorf("got %d maps, want 58", n)
	}
	if got := p.ask("maps mm_"); strings.Contains(got, "PENDING") {
		t.Errorf("maps before the add-on was installed: got %s", got)
	}

	if err := installation.LayOverlay(root, installation.CustomCampaign, installation.Options{Scale: 0.1}); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("developer 2", "update_addon_paths", "mission_reload"); !strings.Contains(got,
		`Mission "MarmaladeMile" mode "versus" chapter 3: map "mm_m3_pier"`) {
		t.Errorf("missions: got %s", got)
	}
	p.ask("changelevel mm_m2_cannery")
	if info := p.ready(); info.Map != "mm_m2_cannery" {
		t.Errorf("got map %s, want mm_m2_cannery", info.Map)
	}
}

func TestCvarListHasEngineFormat(t *testing.T) {
	p := start(t, nil, nil)
	got := p.ask("cvarlist")
	row := fmt.Sprintf("%-41s: %-8d : %-20s : ", "sv_vote_plr_map_limit", 3, `, "sv", "cheat", "rep"`)
	if !strings.Contains(got, "\n"+row) {
		t.Errorf("row %q is missing in\n%s", row, got)
	}
	if !strings.Contains(got, ": cmd      :") || !strings.HasSuffix(got, " total convars/concommands\n") ||
		strings.Contains(got, "sv_hibernate_when_empty") {
		t.Errorf("cvarlist: got\n%s", got)
	}
	if got := p.ask("find steamgroup"); !strings.Contains(got, `"sv_steamgroup_exclusive" = "0"`) || strings.Contains(got, "sv_lan") {
		t.Errorf("find: got %s", got)
	}
	if got := p.ask("help sv_lan", "help nothing_such"); !strings.Contains(got, `"sv_lan" = "0"`) ||
		!strings.Contains(got, "no cvar or command named") {
		t.Errorf("help: got %s", got)
	}
}
