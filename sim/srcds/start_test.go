package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartPrintsLinesOfTheEngine(t *testing.T) {
	p := start(t, nil, []string{"HOME=/home/u"}, "-maxplayers", "12")
	p.wait("VAC secure mode")
	rest := p.out.String()
	for _, line := range []string{
		"#Using shader api: bin/shaderapiempty_srv.so\n",
		"#Console initialized.\n",
		"Setting breakpad minidump AppID = 222860\n",
		"#Using breakpad minidump system\n",
		"Using breakpad crash handler\n",
		"#Game_srv.so loaded for \"Left 4 Dead 2\"\n",
		"Server is hibernating\n",
		"ConVarRef test_progression_loop doesn't point to an existing ConVar\n",
		"[S_API] SteamAPI_Init(): Loaded '/home/u/.steam/sdk32/steamclient.so' OK.\n",
		"[S_API FAIL] SteamAPI_Init() failed; create pipe failed.",
		"Parent cvar in server.dll not allowed (",
		"Game supporting (2) split screen players\n",
		"maxplayers set to 12\n",
		"Network: IP 127.0.0.1, mode MP, dedicated Yes, ports ",
		"Executing dedicated server config file\n",
		"Connection to Steam servers successful.\n",
		"   VAC secure mode is activated.\n",
	} {
		_, after, ok := strings.Cut(rest, line)
		if !ok {
			t.Fatalf("line %q is missing or out of order", line)
		}
		rest = after
	}
}

func TestPortIsChosenLikeTheEngine(t *testing.T) {
	// Find a port whose successor is probably free, too.
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.LocalAddr().(*net.UDPAddr).Port
	want := func(t *testing.T, p *process) {
		t.Helper()
		p.ready()
		if int(p.addr.Port()) <= port {
			t.Errorf("got port %d, want one above %d", p.addr.Port(), port)
		}
	}
	t.Run("next free port", func(t *testing.T) {
		want(t, launch(t, lay(t, nil), nil, "-port", itoa(port), "+map", "c1m1_hotel"))
	})
	t.Run("wrong port as a simulated failure", func(t *testing.T) {
		p := launch(t, lay(t, nil), []string{"SIM_WRONG_PORT=1"}, "-port", itoa(port), "+map", "c1m1_hotel")
		want(t, p)
		if got := p.ask("hostport"); !strings.Contains(got, `"hostport" = "`+itoa(int(p.addr.Port()))) {
			t.Errorf("hostport: got %s", got)
		}
	})
	t.Run("unavailable address", func(t *testing.T) {
		p := launch(t, lay(t, nil), nil, "-ip", "192.0.2.1", "+map", "c1m1_hotel")
		p.wait("WARNING: NET_OpenSocket: bind: Cannot assign requested address")
		p.wait("Couldn't allocate any server IP port")
		if p.exit().Success() {
			t.Error("got exit status 0, want an error")
		}
	})
	t.Run("no RCON if its port is in use", func(t *testing.T) {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := launch(t, lay(t, nil), nil, "-port", itoa(l.Addr().(*net.TCPAddr).Port), "+map", "c1m1_hotel")
		p.wait("Couldn't bind RCON port")
		p.ready()
	})
}

func TestRCONListensOnHostNameWithoutAddress(t *testing.T) {
	p := launch(t, lay(t, nil), nil, "+map", "c1m1_hotel", "-ip", "0.0.0.0", "-ip")
	p.network()
	if got, want := p.addr.Addr(), hostAddress(); got != want {
		t.Errorf("got address %s, want %s", got, want)
	}
	c, err := net.DialTimeout("tcp", p.addr.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestServerAnswersOnlyWithValidMap(t *testing.T) {
	// silent fails the test if the server answers. It has to wait a short time, because the absence of
	// an answer cannot be observed otherwise.
	silent := func(t *testing.T, p *process) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if info, err := p.client().Info(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v, want no answer", info, err)
		}
	}
	t.Run("no map", func(t *testing.T) {
		p := launch(t, lay(t, nil), nil)
		p.network()
		silent(t, p)
		if got := p.ask("status"); !strings.Contains(got, "hostname: ") {
			t.Errorf("status: got %s", got)
		}
	})
	t.Run("unknown map", func(t *testing.T) {
		p := launch(t, lay(t, nil), nil, "+map", "c99m1_nowhere")
		p.network()
		p.wait("map load failed: c99m1_nowhere not found or invalid")
		silent(t, p)
		p.running()
		p.ask("map c2m1_highway") // a query before this is lost
		if info := p.ready(); info.Map != "c2m1_highway" {
			t.Errorf("got map %s, want c2m1_highway", info.Map)
		}
	})
	t.Run("with a mode", func(t *testing.T) {
		p := start(t, nil, nil)
		p.typed("map c5m1_waterfront versus")
		if got := p.ask("mp_gamemode"); !strings.Contains(got, `= "versus"`) {
			t.Errorf("mode: got %s", got)
		}
		if info := p.ready(); info.Map != "c5m1_waterfront" || info.MaxPlayers != 8 {
			t.Errorf("got map %s, at most %d players", info.Map, info.MaxPlayers)
		}
		p.ask("changelevel c5m2_park")
		if info := p.ready(); info.Map != "c5m2_park" || info.Keywords != "versus,empty,secure" {
			t.Errorf("got map %s, keywords %s", info.Map, info.Keywords)
		}
		if got := p.ask("changelevel c5m9_nowhere"); !strings.Contains(got, "c5m9_nowhere not found") {
			t.Errorf("changelevel: got %s", got)
		}
	})
}

func TestStartFailsWithoutGameInfo(t *testing.T) {
	root := lay(t, nil)
	if err := os.Remove(filepath.Join(root, "left4dead2", "gameinfo.txt")); err != nil {
		t.Fatal(err)
	}
	p := launch(t, root, nil, "+map", "c1m1_hotel")
	p.wait("Setup file 'gameinfo.txt' doesn't exist in subdirectory 'left4dead2'.")
	if p.exit().Success() {
		t.Error("got exit status 0, want an error")
	}
}

func TestAddonListIsWritten(t *testing.T) {
	p := start(t, map[string]string{
		"addons/b.vpk": "", "addons/a.vpk": "", "addons/map2.1.vpk": "", "addons/C.VPK": "",
		"addonlist.txt": `"AddonList" { "a.vpk" "0" "gone.vpk" "1" }`,
	}, nil)
	got, err := os.ReadFile(filepath.Join(p.root, "left4dead2", "addonlist.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "\"AddonList\"\n{\n\t\"a.vpk\"\t\t\"0\"\n\t\"b.vpk\"\t\t\"1\"\n}\n"; string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestCondebugWritesConsoleLog(t *testing.T) {
	p := start(t, nil, nil, "-condebug")
	p.ask("echo hello there")
	got, err := os.ReadFile(filepath.Join(p.root, "left4dead2", "console.log"))
	if err != nil || !strings.Contains(string(got), "\nhello there\n") {
		t.Errorf("got %v: %s", err, got)
	}
}
