package main

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	goa2s "github.com/rumblefrog/go-a2s"

	"github.com/left4me/left4me/source/a2s"
)

func TestQueriesReturnServerState(t *testing.T) {
	p := start(t, map[string]string{"cfg/server.cfg": "hostname Hällo\nsv_password secret\n"}, nil)
	p.ask("sim_join Alpha", "sim_join <b>Beta</b>")
	c := p.client()
	info, err := c.Info(p.context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Extra != 0xb1 || info.Protocol != 17 || info.Name != "Hällo" || info.Map != "c1m1_hotel" || info.Folder != "left4dead2" ||
		info.AppID != 550 || info.Players != 2 || info.Bots != 2 || info.MaxPlayers != 4 || info.ServerType != 'd' ||
		info.OS != 'l' || !info.Password || !info.VAC || info.Version != "2.2.4.3" || info.Port != p.addr.Port() ||
		info.SteamID>>52 != 0x14 || info.Keywords != "coop,secure" || info.GameID != 550 {
		t.Errorf("info: got %+v", info)
	}
	players, err := c.Players(p.context())
	if err != nil || len(players) != 4 {
		t.Fatalf("players: got %v, %v", players, err)
	}
	rules, err := c.Rules(p.context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range rules {
		got[r.Name] = r.Value
	}
	if got["mp_gamemode"] != "coop" || got["sv_password"] != "1" || got["z_difficulty"] != "Normal" {
		t.Errorf("rules: got %v", got)
	}
}

func TestRulesReplyIsSplit(t *testing.T) {
	// raw sends a rules query on its own socket and returns the first datagram of the answer.
	raw := func(t *testing.T, p *process) []byte {
		t.Helper()
		c, err := net.Dial("udp4", p.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		buf := make([]byte, 2000)
		challenge := a2s.NoChallenge
		for range 2 {
			if _, err := c.Write(a2s.AppendRequest(nil, a2s.KindRules, challenge)); err != nil {
				t.Fatal(err)
			}
			n, err := c.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if a2s.ReplyOf(buf[:n]) != a2s.ReplyChallenge {
				return buf[:n]
			}
			challenge, _ = a2s.ParseChallenge(buf[:n])
		}
		t.Fatal("got two challenges")
		return nil
	}
	t.Run("by default", func(t *testing.T) {
		first := raw(t, start(t, nil, nil))
		if a2s.ReplyOf(first) != a2s.ReplySplit || len(first) > 1260 || binary.LittleEndian.Uint16(first[10:]) != 1248 {
			t.Errorf("got %d bytes: %x", len(first), first[:20])
		}
		if id := binary.LittleEndian.Uint32(first[4:]); id == 0 || id >= 0x8000 {
			t.Errorf("got ID %#x, want 1 to 0x7fff", id)
		}
	})
	t.Run("not with SIM_RULES=small", func(t *testing.T) {
		if first := raw(t, start(t, nil, []string{"SIM_RULES=small"})); a2s.ReplyOf(first) != a2s.ReplyRules || len(first) > 1400 {
			t.Errorf("got %d bytes: %x", len(first), first[:20])
		}
	})
}

func TestQueriesRequireChallenge(t *testing.T) {
	p := start(t, nil, nil)
	dial := func() net.Conn {
		c, err := net.Dial("udp4", p.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}
	exchange := func(c net.Conn, kind byte, challenge uint32) []byte {
		t.Helper()
		if _, err := c.Write(a2s.AppendRequest(nil, kind, challenge)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 2000)
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return buf[:n]
	}
	c := dial()
	got, err := a2s.ParseChallenge(exchange(c, a2s.KindInfo, a2s.NoChallenge))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []byte{a2s.KindInfo, a2s.KindPlayers} {
		if reply := exchange(c, kind, got); a2s.ReplyOf(reply) == a2s.ReplyChallenge {
			t.Errorf("%c request with a valid challenge: got another challenge", kind)
		}
		for _, wrong := range []uint32{0, a2s.NoChallenge, got + 1} {
			if again, err := a2s.ParseChallenge(exchange(c, kind, wrong)); err != nil || again != got {
				t.Errorf("%c request with challenge %#x: got %#x, %v, want %#x", kind, wrong, again, err, got)
			}
		}
	}
	if reply := exchange(dial(), a2s.KindInfo, got); a2s.ReplyOf(reply) != a2s.ReplyChallenge {
		t.Error("the challenge of another address was accepted")
	}
}

func TestServerDoesNotAnswerDuringMapLoad(t *testing.T) {
	p := launch(t, lay(t, nil), []string{"SIM_MAP_LOAD=3600"}, "+map", "c1m1_hotel", "+log", "on")
	p.network()
	p.wait("Loading map")
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := p.client().Info(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("info: got error %v, want no answer", err)
	}
	p.running()
}

func TestQueryLimitIsPerAddress(t *testing.T) {
	p := start(t, map[string]string{
		"cfg/server.cfg": "sv_max_queries_sec 1\nsv_max_queries_window 6\nrcon_password x\n",
	}, []string{"SIM_QUERY_LIMIT=1"})
	// ready sent two requests, one of them for the challenge. The limit is six per address.
	c := p.client()
	for i := range 2 {
		if _, err := c.Info(p.context()); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	var err error
	for range 3 {
		_, err = c.Info(ctx)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("over the limit: got error %v, want no answer", err)
	}
}

func TestThirdPartyQueryClients(t *testing.T) {
	hostile := []string{"sim_join <script>alert(1)</script>", "sim_join 🧟 brainsoup 🍲", "sim_join Alpha"}
	t.Run("go-a2s", func(t *testing.T) {
		p := start(t, nil, nil)
		p.ask(hostile...)
		c, err := goa2s.NewClient(p.addr.String(), goa2s.TimeoutOption(patience))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		info, err := c.QueryInfo()
		if err != nil {
			t.Fatal(err)
		}
		if info.Map != "c1m1_hotel" || info.Players != 3 || info.ExtendedServerInfo == nil ||
			info.ExtendedServerInfo.Port != p.addr.Port() {
			t.Errorf("info: got %+v", info)
		}
		players, err := c.QueryPlayer()
		if err != nil || len(players.Players) != 4 {
			t.Errorf("players: got %+v, %v", players, err)
		}
		rules, err := c.QueryRules()
		if err != nil || rules.Rules["mp_gamemode"] != "coop" || len(rules.Rules) < 80 {
			t.Errorf("rules: got %+v, %v", rules, err)
		}
	})
	t.Run("qstat", func(t *testing.T) {
		quakestat, err := exec.LookPath("quakestat")
		if err != nil {
			t.Skip("quakestat (Debian's qstat) isn't installed")
		}
		p := start(t, nil, []string{"SIM_RULES=small"})
		p.ask(hostile...)
		for _, c := range []struct {
			flags []string
			want  []string
		}{
			{nil, []string{"c1m1_hotel", "Left 4 Dead 2"}},
			{[]string{"-P"}, []string{"Alpha", "<script>alert(1)</script>"}},
			{[]string{"-R", "-P"}, []string{"protocol=11", "mp_gamemode=coop", "Alpha", "game_port=" + itoa(int(p.addr.Port()))}},
		} {
			out, err := exec.Command(quakestat, append([]string{"-a2s", p.addr.String()}, c.flags...)...).CombinedOutput()
			for _, want := range c.want {
				if err != nil || !strings.Contains(string(out), want) {
					t.Errorf("%v: missing %q, %v\n%s", c.flags, want, err, out)
				}
			}
		}
	})
	t.Run("qstat with players and split rules", func(t *testing.T) {
		quakestat, err := exec.LookPath("quakestat")
		if err != nil {
			t.Skip("quakestat (Debian's qstat) isn't installed")
		}
		p := start(t, nil, nil)
		p.ask(hostile...)
		if out, err := exec.Command(quakestat, "-a2s", p.addr.String(), "-P").CombinedOutput(); err != nil ||
			!strings.Contains(string(out), "Alpha") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
