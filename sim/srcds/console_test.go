package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/left4me/left4me/source/status"
)

func TestConsoleCommandsPrintLikeTheEngine(t *testing.T) {
	p := start(t, nil, nil)
	p.ask("sim_join Alpha", `sim_join Some "quoted" one`)
	for _, c := range []struct {
		command string
		want    []string
	}{
		{"stats", []string{"CPU   NetIn   NetOut    Uptime  Maps   FPS   Players  Svms    +-ms   ~tick\n"}},
		{"users", []string{"<slot:userid:\"name\">\n", ":\"Alpha\"\n", ":\"Some \"quoted\" one\"\n", " users\n"}},
		{"echo a; echo b // c", []string{"a\nb\n"}},
		{"say hello", []string{"Console: hello\n"}},
		{"plugin_print", []string{"Loaded plugins:\n"}},
		{"meta list", []string{"Unknown command \"meta\"\n"}},
		{"sm version", []string{"Unknown command \"sm\"\n"}},
		{"sv_setmax 31", []string{"Unknown command \"sv_setmax\"\n"}},
		{"log", []string{"Usage: log < on | off >\nnot currently logging\n"}},
		{"kick nobody", []string{"Can't kick \"nobody\", name not found\n"}},
		{"kickid 999 bye", []string{"Can't kick \"999\", name not found\n"}},
		{"heartbeat", []string{""}},
		{"listid", []string{"User filter list: empty\n"}},
		{"listip", []string{"IP filter list: empty\n"}},
		{"removeid STEAM_1:0:5", []string{"couldn't find STEAM_1:0:5\n"}},
		{"removeip 192.0.2.5", []string{"couldn't find 192.0.2.5.\n"}},
	} {
		got := p.ask(c.command)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q", c.command, got, want)
			}
		}
	}
}

func TestStatusCanBeParsed(t *testing.T) {
	p := start(t, map[string]string{"cfg/server.cfg": "hostname Hello there\n"}, nil, "-port", "0")
	parse := func() status.Status {
		t.Helper()
		s, err := status.Parse(p.ask("status"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := parse()
	if s.Hostname != "Hello there" || s.Version != "2.2.4.3" || s.Build != 10097 || !s.Secure || s.Address != p.addr.String() ||
		s.PublicAddress == "" || s.OS != "Linux" || !s.Dedicated || s.Map != "c1m1_hotel" || s.Max != 4 || !s.Hibernating ||
		s.Reserved || len(s.Players) != 0 {
		t.Errorf("empty server: got %+v", s)
	}
	p.ask("sim_join Alpha", `sim_join Some "quoted" one`)
	s = parse()
	if s.Hibernating || s.Humans != 2 || s.Bots != 2 || len(s.Players) != 4 {
		t.Errorf("with two players: got %+v", s)
	}
	names := map[string]status.Player{}
	for _, o := range s.Players {
		names[o.Name] = o
	}
	a := names["Alpha"]
	if a.Bot || a.State != "active" || a.Rate != 30000 || !strings.HasPrefix(a.SteamID, "STEAM_1:") || a.Slot == 0 ||
		!strings.HasPrefix(a.Address, "192.0.2.") && !strings.HasPrefix(a.Address, "198.51.100.") {
		t.Errorf("player: got %+v", a)
	}
	if _, ok := names[`Some "quoted" one`]; !ok {
		t.Errorf("missing quoted name in %v", names)
	}
	if b := names["Ellis"]; !b.Bot {
		t.Errorf("bot: got %+v", b)
	}
	if got := p.ask("sv_lan 1", "status"); !strings.Contains(got, "[ public n/a ]") {
		t.Errorf("sv_lan: got %s", got)
	}
	p = start(t, nil, []string{"SIM_STEAM=same"})
	if got := p.ask("status"); !strings.Contains(got, "[ public same ]") {
		t.Errorf("public address of its own: got %s", got)
	}
	if s := parse(); s.PublicAddress != p.addr.String() {
		t.Errorf("public address of its own: got %+v", s)
	}
}

func TestKickedAndBannedPlayersLeave(t *testing.T) {
	p := start(t, nil, nil)
	find := func(name string) status.Player {
		t.Helper()
		s, err := status.Parse(p.ask("status"))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range s.Players {
			if o.Name == name {
				return o
			}
		}
		return status.Player{}
	}
	p.ask("sim_join Alpha", "sim_join Beta", "sim_join Gamma")
	p.ask("kick Alpha", "kickid "+itoa(find("Beta").UserID)+` "be nice"`, "banid 0 "+itoa(find("Gamma").UserID)+" kick")
	for _, name := range []string{"Alpha", "Beta", "Gamma"} {
		if who := find(name); who.UserID != 0 {
			t.Errorf("player is still connected: %+v", who)
		}
	}
	if got := p.ask("sim_join Gamma"); !strings.Contains(got, "cannot join") {
		t.Errorf("banned player joined: %s", got)
	}
	p.ask("sim_join Alpha")
	alpha := find("Alpha")
	if alpha.UserID == 0 {
		t.Fatal("kicked player cannot rejoin")
	}
	ip, _, _ := strings.Cut(alpha.Address, ":")
	p.ask("kickid "+alpha.SteamID, "addip 0 "+ip, "banid 30 STEAM_1:0:77")
	if got := p.ask("sim_join Alpha"); !strings.Contains(got, "cannot join") {
		t.Errorf("player from a banned address joined: %s", got)
	}
	if got := p.ask("listid"); !strings.Contains(got, "User filter list: 2 entries\n") || !strings.Contains(got, " : permanent\n") ||
		!strings.Contains(got, " min\n") {
		t.Errorf("listid: got %s", got)
	}
	if got := p.ask("listip"); !strings.Contains(got, "IP filter list: 1 entry\n1 "+ip+" : permanent\n") {
		t.Errorf("listip: got %s", got)
	}

	p.ask("writeid", "writeip")
	users := readCfg(t, p, "banned_user.cfg")
	if !strings.HasPrefix(users, "banid 0 STEAM_1:") || strings.Count(users, "\n") != 1 { // only permanent bans
		t.Errorf("banned_user.cfg: got %q", users)
	}
	if got := readCfg(t, p, "banned_ip.cfg"); got != "addip 0 "+ip+"\n" {
		t.Errorf("banned_ip.cfg: got %q", got)
	}
	id := strings.Fields(users)[2]
	p.ask("removeid "+id, "removeip "+ip)
	if got := p.ask("sim_join Gamma", "sim_join Alpha"); strings.Contains(got, "cannot join") {
		t.Errorf("after the bans were removed: %s", got)
	}
	if got := p.ask("exec banned_user.cfg", "listid"); !strings.Contains(got, id+" : permanent") {
		t.Errorf("after exec banned_user.cfg: got %s", got)
	}
}

func readCfg(t *testing.T, p *process, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(p.root, "left4dead2", "cfg", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestQuitCommandsEndTheProcess(t *testing.T) {
	for _, command := range []string{"quit", "exit", "_restart"} {
		t.Run(command, func(t *testing.T) {
			p := start(t, nil, nil)
			p.typed(command)
			if s := p.exit(); !s.Success() {
				t.Errorf("got %v, want exit status 0", s)
			}
		})
	}
}

func TestServerRunsWithoutInput(t *testing.T) {
	p := start(t, map[string]string{"cfg/server.cfg": "rcon_password x\n"}, nil)
	p.in.Close()
	if got, err := p.remote("x").Exec(p.context(), "echo still here"); err != nil || got != "still here\n" {
		t.Errorf("got %q, %v", got, err)
	}
	before := cpuTime(t, p.cmd.Process.Pid)
	for range 20 { // long enough for a busy loop to be measured
		p.ready()
	}
	if used := cpuTime(t, p.cmd.Process.Pid) - before; used > 100 {
		t.Errorf("used %d ticks of CPU time after the end of the input", used)
	}
}

func TestServerRunsOnTerminal(t *testing.T) {
	root := lay(t, nil)
	cmd := exec.Command("./srcds_linux", "-game", "left4dead2", "-ip", "127.0.0.1", "-port", "0", "+map", "c1m1_hotel")
	cmd.Dir, cmd.Env = root, append(os.Environ(), usual...)
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	out := newOutput()
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := terminal.Read(buf)
			if err != nil {
				out.close()
				return
			}
			_, _ = out.Write(buf[:n])
		}
	}()
	if _, err := terminal.WriteString("echo on a terminal\n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"VAC secure mode", "\non a terminal"} {
		if _, ok := out.wait(want, patience); !ok {
			t.Errorf("missing %q in %s", want, out.String())
		}
	}
	if _, err := terminal.WriteString("\x03"); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C: %v", err)
	}
}
