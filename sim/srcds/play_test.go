package main

import (
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/source/srcdslog"
)

func TestPlayersAreSimulated(t *testing.T) {
	p := start(t, nil, []string{"SIM_PLAYERS=4", "SIM_TEMPO=400", "SIM_SEED=7"}, "+log", "on", "+mp_gamemode", "versus")
	for _, want := range []string{
		`connected, address "192.0.2.`, "STEAM USERID validated", "entered the game", `joined team "Survivor"`,
		`" say "`, `(DEATH)"`, `" killed "infected<`, `" killed "`, `(INCAP)"`, "was incapped by",
		`disconnected (reason "Disconnect by user.")`,
		"Server waking up from hibernation", `Started map "c1m2_streets"`,
	} {
		p.wait(want)
	}
	p.typed("sim_players 0")
	for line := range strings.Lines(p.ask("status")) {
		if !strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "# userid") {
			continue
		}
		if !strings.Contains(line, "STEAM_") {
			t.Errorf("player row without a SteamID: %q", line)
		}
	}
	var r srcdslog.Reader
	kinds, commons := map[srcdslog.Kind]int{}, 0
	for line := range strings.Lines(p.out.String()) {
		if !strings.HasSuffix(line, "\n") {
			continue
		}
		if e, ok := r.Line(line); ok {
			kinds[e.Kind]++
			if e.Kind == srcdslog.Unknown || e.Kind == srcdslog.Killed && !strings.HasPrefix(e.Message, "(DEATH)") {
				t.Errorf("unexpected line %q", line)
			}
			if e.Kind == srcdslog.Killed && e.Target.Entity {
				commons++
			}
		}
	}
	if r.Torn() > 0 || commons == 0 || kinds[srcdslog.Killed] == 0 || kinds[srcdslog.Incapped] == 0 || kinds[srcdslog.Disconnected] == 0 {
		t.Errorf("got events %v, %d torn lines", kinds, r.Torn())
	}
}

func TestNoPlayersJoinOnTheirOwn(t *testing.T) {
	p := start(t, nil, []string{"SIM_TEMPO=1000"}, "+log", "on")
	if info := p.ready(); info.Players != 0 || info.Bots != 0 {
		t.Errorf("empty server: got %+v", info)
	}
	p.ask("sim_join Alpha", "sim_join Beta", "sim_join Gamma", "sim_join Delta")
	if got := p.ask("sim_join Epsilon"); !strings.Contains(got, "cannot join") {
		t.Errorf("fifth player: got %s", got)
	}
	if info := p.ready(); info.Players != 4 || info.Bots != 0 {
		t.Errorf("full server: got %+v", info)
	}
	p.ask("sim_say Alpha hi all")
	p.wait(`<Survivor>" say "hi all"`)
	p.ask("sim_leave Alpha", "sim_leave Beta", "sim_leave Gamma", "sim_leave Delta")
	p.wait("Server waking up from hibernation")
	if got := p.ask("status"); !strings.Contains(got, "(hibernating)") || !strings.Contains(got, "0 humans, 0 bots") {
		t.Errorf("after all players left: got %s", got)
	}
	if got := p.ask("sv_hibernate_when_empty 0", "map c1m1_hotel") + p.ask("status"); !strings.Contains(got, "(not hibernating)") ||
		!strings.Contains(got, "0 humans, 4 bots") {
		t.Errorf("without hibernation: got %s", got)
	}
}

func TestPlayersStayOnMapChange(t *testing.T) {
	p := start(t, nil, nil, "+log", "on")
	p.ask("sim_join Alpha", "changelevel c1m2_streets")
	if info := p.ready(); info.Players != 1 || info.Bots != 3 {
		t.Errorf("got %+v", info)
	}
	players, err := p.client().Players(p.context())
	if err != nil || len(players) != 4 {
		t.Fatalf("got players %v, %v, want 4", players, err)
	}
	for _, o := range players {
		if o.Name == "Alpha" && o.Duration > time.Minute {
			t.Errorf("got %+v, want a duration under a minute", o)
		}
	}
}
