package instance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

func TestServerCfgOrdersLinesByPrecedence(t *testing.T) {
	no := false
	spec := left4me.Spec{
		Name: "alpha", Blueprint: "versus", Overlays: []left4me.OverlayRef{{Name: "top", Revision: 2}, {Name: "plain"}, {Name: "low"}},
		OverlayCfg:   map[left4me.Name][]string{"top": {"top_line 1"}, "low": {"low_line 1", "x\nquit"}},
		BlueprintCfg: []string{"blueprint_line 1"},
		Settings: left4me.Settings{
			Hostname: "Alpha", Region: "europe", SteamGroups: []string{"7", "103582791429521420"}, SteamGroupOnly: &no, Password: "zoey",
			Tags: []string{"a", "b"},
			Tick: 60, Banner: "https://example.org/b", HostText: "unseen", Motd: "one\r\ntwo", Cfg: []string{"server_line 1", "quit"},
		},
	}
	lower := instance.Lower{Cfgs: map[left4me.Name]string{"low": "server_low.cfg"}}
	files := instance.Config(spec, lower, "secret")
	want := `// Written by left4me for server alpha on blueprint versus at its start: changes here are lost.
// What the server and its blueprint set.
hostname "Alpha"
sv_region "3"
sv_steamgroup "7,12"
sv_steamgroup_exclusive "0"
sv_allow_lobby_connect_only "0"
sv_password "zoey"
sv_tags "a,b"
sv_minrate "60000"
sv_maxrate "60000"
sv_mincmdrate "60"
sv_maxcmdrate "60"
sv_minupdaterate "60"
sv_maxupdaterate "60"
net_splitpacket_maxrate "30000"
fps_max "0"
hostfile "left4me_host.txt"
motdfile "left4me_motd.txt"
// Overlay low.
exec server_low.cfg
low_line 1
x quit
// Overlay top@2.
top_line 1
// Lines of the blueprint versus.
blueprint_line 1
// Lines of the server.
server_line 1
// left4me left out a line with quit: the command would end the server at every map change.
// left4me's own.
rcon_password "secret"
`
	if d := cmp.Diff(want, files["left4dead2/cfg/server.cfg"]); d != "" {
		t.Error(d)
	}
	delete(files, "left4dead2/cfg/server.cfg")
	if d := cmp.Diff(map[string]string{
		"left4dead2/left4me_host.txt": "https://example.org/b\n",
		"left4dead2/left4me_motd.txt": "one\ntwo\n",
	}, files); d != "" {
		t.Error(d)
	}
	if args := strings.Join(instance.Args(spec), " "); !strings.Contains(args, " -tickrate 60 ") {
		t.Error(args)
	}
}

// The generated list of admins hides those of the overlays, so it starts with the topmost one. Without
// admins in the settings, no list is generated.
func TestAdminsOfTopmostOverlayComeFirst(t *testing.T) {
	const configs = "left4dead2/addons/sourcemod/configs"
	f := host(t, "overlays/plain/1", "overlays/top/1/"+configs, "overlays/low/1/"+configs)
	for o, text := range map[string]string{"top": "\"STEAM_1:0:1\" \"z\"\r\n// end", "low": "unseen"} {
		if err := os.WriteFile(filepath.Join(string(f.Root), "overlays", o, "1", configs, "admins_simple.ini"), []byte(text),
			0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(s left4me.Spec) string {
		t.Helper()
		if err := f.Prepare(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		env, err := f.Root.ReadEnv("alpha")
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(string(f.Root), env.Lowerdirs[0], configs, "admins_simple.ini"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(b)
	}
	s := spec("plain", "top", "low")
	if got := read(s); got != "" {
		t.Errorf("unexpected list of admins: %q", got)
	}
	s.Settings.Admins = []left4me.Admin{
		{ID: "[U:1:246]", Flags: "99:z", Note: "Zoey\nquit"},
		{ID: "76561197960265975", Group: "Männer"},
		{ID: "nobody", Flags: "z"},
	}
	want := "// Written by left4me for server alpha at its start: changes here are lost.\n" +
		"// First what overlay top has in this file, which hides it.\n" +
		"\"STEAM_1:0:1\" \"z\"\r\n// end\n// Admins of the settings of server and blueprint.\n// Zoey quit\n\"STEAM_1:0:123\" \"99:z\"\n" +
		"\"STEAM_1:1:123\" \"@Männer\"\n"
	if d := cmp.Diff(want, read(s)); d != "" {
		t.Error(d)
	}
	// Text in another encoding at the start would make SourceMod ignore all admins.
	own := filepath.Join(string(f.Root), "overlays", "top", "1", configs, "admins_simple.ini")
	for text, first := range map[string]string{
		"\ufeff\"STEAM_1:0:1\" \"z\"\n// end": "\"STEAM_1:0:1\" \"z\"\n// end",
		"\xff\xfex\x00 \x00z\x00\r\x00\n\x00": "x z",
		"\xff\xfex\x00 \x00z":                 "// left4me left it out: it is no text.",
	} {
		if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(want, "\"STEAM_1:0:1\" \"z\"\r\n// end", first, 1)
		if d := cmp.Diff(want, read(s)); d != "" {
			t.Errorf("overlay's list %q: %s", text, d)
		}
	}
}
