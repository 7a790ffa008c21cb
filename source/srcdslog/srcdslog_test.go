package srcdslog_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/source/srcdslog"
)

type (
	event  = srcdslog.Event
	player = srcdslog.Player
)

// al returns the player of most lines, on the given team.
func al(team string) *player {
	return &player{Name: "Al", UserID: 2, ID: "STEAM_1:0:123", Team: team, SteamID: srcdslog.FromAccount(246)}
}

func bot(name string, user int, team string) *player {
	return &player{Name: name, UserID: user, ID: "BOT", Team: team, Bot: true}
}

// lines contains messages as servers write them and their events. They are also the seeds of the fuzz
// target.
var lines = []struct {
	msg  string
	want event
}{
	{
		`Log file started (file "logs/L1124000.log") (game "/srv/l4d2/left4dead2") (version "9123")`,
		event{Kind: srcdslog.LogStarted, Text: "logs/L1124000.log"},
	},
	{`Log file closed`, event{Kind: srcdslog.LogClosed}},
	{`Log file closed.`, event{Kind: srcdslog.LogClosed}},
	{`Loading map "c5m2_park"`, event{Kind: srcdslog.MapLoading, Map: "c5m2_park"}},
	{`Started map "c5m2_park" (CRC "-1352213912")`, event{Kind: srcdslog.MapStarted, Map: "c5m2_park"}},
	{`server cvars start`, event{Kind: srcdslog.CvarsStart}},
	{`"mp_gamemode" = "coop"`, event{Kind: srcdslog.Cvar, Name: "mp_gamemode", Value: "coop"}},
	{`"sv_tags" = ""`, event{Kind: srcdslog.Cvar, Name: "sv_tags"}},
	{`server cvars end`, event{Kind: srcdslog.CvarsEnd}},
	{`server_cvar: "sv_cheats" "1"`, event{Kind: srcdslog.Cvar, Name: "sv_cheats", Value: "1"}},
	{`"Nick<34><BOT><>" connected, address "none"`, event{Kind: srcdslog.Connected, Player: bot("Nick", 34, ""), Address: "none"}},
	{
		`"Al<2><STEAM_1:0:123><>" connected, address "1.2.3.4:27005"`,
		event{Kind: srcdslog.Connected, Player: al(""), Address: "1.2.3.4:27005"},
	},
	{`"Al<2><STEAM_1:0:123><>" STEAM USERID validated`, event{Kind: srcdslog.Validated, Player: al("")}},
	{`"Al<2><STEAM_1:0:123><>" entered the game`, event{Kind: srcdslog.Entered, Player: al("")}},
	{
		`"Al<2><STEAM_ID_PENDING><>" connected, address "1.2.3.4:27005"`,
		event{Kind: srcdslog.Connected, Player: &player{Name: "Al", UserID: 2, ID: "STEAM_ID_PENDING"}, Address: "1.2.3.4:27005"},
	},
	{
		`"Nick<34><BOT><Unassigned>" joined team "Survivor"`,
		event{Kind: srcdslog.JoinedTeam, Player: bot("Nick", 34, "Unassigned"), Team: "Survivor"},
	},
	{`"Al<2><STEAM_1:0:123><Survivor>" changed name to "Alf"`, event{Kind: srcdslog.Renamed, Player: al("Survivor"), Text: "Alf"}},
	{`"Al<2><STEAM_1:0:123><Survivor>" say "hi"`, event{Kind: srcdslog.Said, Player: al("Survivor"), Text: "hi"}},
	{`"Al<2><STEAM_1:0:123><Survivor>" say_team "hi"`, event{Kind: srcdslog.Said, Player: al("Survivor"), Text: "hi", TeamOnly: true}},
	{`"Al<2><STEAM_1:0:123><Survivor>" say "boo" (dead)`, event{Kind: srcdslog.Said, Player: al("Survivor"), Text: "boo", Dead: true}},
	{`"Al<2><STEAM_1:0:123><Survivor>" say "a "quoted" word"`, event{Kind: srcdslog.Said, Player: al("Survivor"), Text: `a "quoted" word`}},
	{
		`"Console<0><Console><Console>" say "map in a minute"`,
		event{Kind: srcdslog.Said, Player: &player{Name: "Console", ID: "Console", Team: "Console"}, Text: "map in a minute"},
	},
	{
		`"Al<2><STEAM_1:0:123><Survivor>" disconnected (reason "Disconnect by user.")`,
		event{Kind: srcdslog.Disconnected, Player: al("Survivor"), Text: "Disconnect by user."},
	},
	{
		`"Al<2><STEAM_1:0:123><Survivor>" disconnected (reason "Kicked by Console : "get out"")`,
		event{Kind: srcdslog.Disconnected, Player: al("Survivor"), Text: `Kicked by Console : "get out"`},
	},
	{`"Al<2><STEAM_1:0:123><Survivor>" disconnected`, event{Kind: srcdslog.Disconnected, Player: al("Survivor")}},
	{
		`"Al<2><STEAM_1:0:123><Survivor>" killed "Boomer<9><BOT><Infected>" with "rifle" (headshot)`,
		event{Kind: srcdslog.Killed, Player: al("Survivor"), Target: bot("Boomer", 9, "Infected"), Weapon: "rifle", Headshot: true},
	},
	{
		`"Hunter<9><BOT><Infected>" attacked "Al<2><STEAM_1:0:123><Survivor>" with "hunter_claw" (damage "1")`,
		event{Kind: srcdslog.Attacked, Player: bot("Hunter", 9, "Infected"), Target: al("Survivor"), Weapon: "hunter_claw", Damage: 1},
	},
	{
		`"Al<2><STEAM_1:0:123><Survivor>" was incapped by "Tank<9><BOT><Infected>" with "tank_claw"`,
		event{Kind: srcdslog.Incapped, Player: bot("Tank", 9, "Infected"), Target: al("Survivor"), Weapon: "tank_claw"},
	},
	{
		`"Charger<10><BOT><Infected><CHARGER><ALIVE><600+0><setpos_exact 1.50 -2.00 3.00; setang 0.00 90.00 0.00><Area 37556>" spawned`,
		event{Kind: srcdslog.Spawned, Player: &player{
			Name: "Charger", UserID: 10, ID: "BOT", Team: "Infected", Bot: true, Extended: true, Character: "CHARGER", State: "ALIVE",
			Health:   600,
			Position: [3]float64{1.5, -2, 3}, Angles: [3]float64{0, 90, 0}, Area: 37556,
		}},
	},
	{`"Name<8><STEAM_1:1:41920953><Survivor><Producer><DEAD><1+20><setpos_exact 3617.36 -1739.69 294.53; setang 0.00 179.84 0.00><Area 205>" committed suicide with "world"`, event{Kind: srcdslog.Suicide, Weapon: "world", Player: &player{
		Name: "Name", UserID: 8, ID: "STEAM_1:1:41920953", Team: "Survivor", SteamID: srcdslog.FromAccount(83841907), Extended: true,
		Character: "Producer", State: "DEAD", Dead: true,
		Health: 1, TempHealth: 20, Position: [3]float64{3617.36, -1739.69, 294.53}, Angles: [3]float64{0, 179.84, 0}, Area: 205,
	}}},
	{
		`"Nick<34><BOT><Survivor>" triggered "first_survivor_left"`,
		event{Kind: srcdslog.Triggered, Player: bot("Nick", 34, "Survivor"), Name: "first_survivor_left"},
	},
	{`World triggered "Round_Start"`, event{Kind: srcdslog.Triggered, Name: "Round_Start"}},
	{`Team "Survivor" triggered "Round_Win"`, event{Kind: srcdslog.Triggered, Team: "Survivor", Name: "Round_Win"}},
	{`rcon from "127.0.0.1:40000": command "status"`, event{Kind: srcdslog.Rcon, Address: "127.0.0.1:40000", Text: "status"}},
	{`rcon from "127.0.0.1:40000": command "say "hi""`, event{Kind: srcdslog.Rcon, Address: "127.0.0.1:40000", Text: `say "hi"`}},
	{`rcon from "6.6.6.6:40000": Bad Password`, event{Kind: srcdslog.RconRefused, Address: "6.6.6.6:40000"}},
	{`Kick: "Al<2><STEAM_1:0:123><>" was kicked by "Console" (message "")`, event{Kind: srcdslog.Kicked, Player: al(""), By: "Console"}},
	{
		`Kick: "Al<2><STEAM_1:0:123><>" was kicked by "Console" (message "afk")`,
		event{Kind: srcdslog.Kicked, Player: al(""), By: "Console", Text: "afk"},
	},
	{
		`Banid: "Al<2><STEAM_1:0:123><>" was banned "for 5.00 minutes" by "Console"`,
		event{Kind: srcdslog.Banned, Player: al(""), By: "Console", Text: "for 5.00 minutes"},
	},
	{
		`Addip: "<><><>" was banned by IP "permanently" by "Console" (IP "1.2.3.4")`,
		event{Kind: srcdslog.Banned, By: "Console", Text: "permanently", Address: "1.2.3.4"},
	},
	{`[plugin.smx] loaded 3 maps`, event{Kind: srcdslog.PluginOutput, Name: "plugin.smx", Text: "loaded 3 maps"}},
	// Messages specific to Left 4 Dead 2: a prefix, entities with an empty ID, and extended tokens.
	{
		`(DEATH)"` + mia + `" killed "` + common + `" with "hunting_rifle"`,
		event{Kind: srcdslog.Killed, Player: miaPlayer("LIMPING"), Target: commonPlayer, Weapon: "hunting_rifle"},
	},
	{
		`(DEATH)"` + mia + `" killed "` + common + `" with "rifle_ak47" (headshot)`,
		event{Kind: srcdslog.Killed, Player: miaPlayer("LIMPING"), Target: commonPlayer, Weapon: "rifle_ak47", Headshot: true},
	},
	{`(DEATH)"trigger_hurt<112><><Unassigned><trigger_hurt><ALIVE><0><setpos_exact 0.00 0.00 0.00; setang 0.00 0.00 0.00><Area 0>" killed "` + common + `" with "trigger_hurt"`, event{
		Kind: srcdslog.Killed, Target: commonPlayer, Weapon: "trigger_hurt",
		Player: &player{
			Name:      "trigger_hurt",
			UserID:    112,
			Team:      "Unassigned",
			Entity:    true,
			Extended:  true,
			Character: "trigger_hurt",
			State:     "ALIVE",
		},
	}},
	{`(DEATH)"` + mia + `" died from unknown attacker (probably World)`, event{Kind: srcdslog.Killed, Target: miaPlayer("LIMPING")}},
	{`(DEATH)"` + mia + `" committed suicide with "world"`, event{Kind: srcdslog.Suicide, Player: miaPlayer("LIMPING"), Weapon: "world"}},
	{
		`(INCAP)"` + mia + `" was incapped by "` + common + `" with ""`,
		event{Kind: srcdslog.Incapped, Player: commonPlayer, Target: miaPlayer("LIMPING")},
	},
	{
		`(INCAP)"` + mia + `" was incapped by "Tank<9><BOT><Infected>" with "tank_claw"`,
		event{Kind: srcdslog.Incapped, Player: bot("Tank", 9, "Infected"), Target: miaPlayer("LIMPING"), Weapon: "tank_claw"},
	},
	{
		`(INCAP)"` + mia + `" was incapped from unknown attacker (probably World)`,
		event{Kind: srcdslog.Incapped, Target: miaPlayer("LIMPING")},
	},
	{
		`(INCAP)"` + mia + `" incapped self with "inferno"`,
		event{Kind: srcdslog.Incapped, Player: miaPlayer("LIMPING"), Target: miaPlayer("LIMPING"), Weapon: "inferno"},
	},
	{`(INCAP) "` + mia + `" is incapacitated`, event{}},
	{`(TONGUE) Tongue grab starting.  Smoker:"Smoker<9><BOT><Infected>". Victim:"` + mia + `".`, event{}},
	{`"` + mia + `" used adrenaline`, event{Player: miaPlayer("LIMPING")}},
	{`"Al<2><STEAM_1:0:123><L4D1_Survivor>" entered the game`, event{Kind: srcdslog.Entered, Player: al("L4D1_Survivor")}},
	{
		"\"Al<2><STEAM_1:0:123><Survivor>\" disconnected (reason \"Al timed out\nat last\")",
		event{Kind: srcdslog.Disconnected, Player: al("Survivor"), Text: "Al timed out\nat last"},
	},

	{`" = ""`, event{}},
	{`something that nobody knows`, event{}},
	{`"Al<2><STEAM_1:0:123><Survivor>" danced`, event{Player: al("Survivor")}},
	{``, event{}},

	// Players choose their names and chat texts.
	{`"<b>"Al"</b><2><STEAM_1:0:123><Survivor>" say "hi"`, event{Kind: srcdslog.Said, Text: "hi", Player: &player{
		Name: `<b>"Al"</b>`, UserID: 2, ID: "STEAM_1:0:123", Team: "Survivor", SteamID: srcdslog.FromAccount(246),
	}}},
	{`"x<1><STEAM_1:0:9><Survivor><2><STEAM_1:0:123><Survivor>" entered the game`, event{Kind: srcdslog.Entered, Player: &player{
		Name: `x<1><STEAM_1:0:9><Survivor>`, UserID: 2, ID: "STEAM_1:0:123", Team: "Survivor", SteamID: srcdslog.FromAccount(246),
	}}},
	{
		`"Al<2><STEAM_1:0:123><Survivor>" say "x<1><STEAM_1:0:9><Survivor>" say "hi"`,
		event{Kind: srcdslog.Said, Player: al("Survivor"), Text: `x<1><STEAM_1:0:9><Survivor>" say "hi`},
	},
	{
		`"Al<2><STEAM_1:0:123><Survivor>" say "x<1><STEAM_1:0:9><Survivor>" disconnected (reason "no")"`,
		event{Kind: srcdslog.Said, Player: al("Survivor"), Text: `x<1><STEAM_1:0:9><Survivor>" disconnected (reason "no")`},
	},
}

// mia is the extended token of a survivor, common that of a common infected.
const (
	mia    = `Mia<8><STEAM_1:1:77><Survivor><Producer><LIMPING><31+12><setpos_exact 3617.36 -1739.69 294.53; setang 0.00 179.84 0.00><Area 205>`
	common = `infected<345><><Infected><infected><DEAD><-40><setpos -3065.73 12.50 -55.97; setang -0.00 -99.18 0.00><Area 78726>`
)

func miaPlayer(state string) *player {
	return &player{
		Name: "Mia", UserID: 8, ID: "STEAM_1:1:77", Team: "Survivor", SteamID: srcdslog.FromAccount(155), Extended: true,
		Character: "Producer",
		State:     state, Health: 31, TempHealth: 12, Position: [3]float64{3617.36, -1739.69, 294.53}, Angles: [3]float64{0, 179.84, 0},
		Area: 205,
	}
}

var commonPlayer = &player{
	Name: "infected", UserID: 345, Team: "Infected", Entity: true, Extended: true, Character: "infected", State: "DEAD", Dead: true,
	Health: -40, Position: [3]float64{-3065.73, 12.5, -55.97}, Angles: [3]float64{0, -99.18, 0}, Area: 78726,
}

func TestParseMessageRecognizesEvents(t *testing.T) {
	for _, c := range lines {
		c.want.Message = c.msg
		if d := cmp.Diff(c.want, srcdslog.ParseMessage(c.msg)); d != "" {
			t.Errorf("%s\n%s", c.msg, d)
		}
	}
}

func TestParseReadsTime(t *testing.T) {
	e, err := srcdslog.Parse("L 11/24/2026 - 00:05:01: Loading map \"c1m1_hotel\"\r\n\x00")
	if err != nil || !e.At.Equal(time.Date(2026, 11, 24, 0, 5, 1, 0, time.UTC)) || e.Map != "c1m1_hotel" {
		t.Errorf("got %+v, %v", e, err)
	}
	zone := time.FixedZone("", 3600)
	if e, err := srcdslog.ParseIn("L 11/24/2026 - 00:05:01: x", zone); err != nil || e.At.UTC().Day() != 23 {
		t.Errorf("with a time zone: got %v, %v", e.At, err)
	}
	for _, line := range []string{
		"", "L", "Loading map \"x\"", "L 11/24/2026 - 00:05:01", "L 13/24/2026 - 00:05:01: x", "L 11/24/2026 00:05:01: x",
		"M 11/24/2026 - 00:05:01: x",
	} {
		e, err := srcdslog.Parse(line)
		if !errors.Is(err, srcdslog.ErrNoTime) || e.Message != line || e.Kind != srcdslog.Unknown {
			t.Errorf("%q: got %+v, %v, want ErrNoTime", line, e, err)
		}
	}
}

// dump is a captured datagram.
const dump = "ff ff ff ff 52 4c 20 31 31 2f 32 34 2f 32 30 32 36 20 2d 20 30 30 3a 30 35 3a 30 31 3a 20 4c 6f 61 64 69 6e 67 20 6d 61 " +
	"70 20 22 63 31 6d 31 5f 68 6f 74 65 6c 22 0a 00"

const dumped = `L 11/24/2026 - 00:05:01: Loading map "c1m1_hotel"`

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestDatagramIsParsedAndAppended(t *testing.T) {
	key, has, line, err := srcdslog.ParseDatagram(unhex(t, dump))
	if key != "" || has || line != dumped || err != nil {
		t.Errorf("got %q, %v, %q, %v", key, has, line, err)
	}
	if got := srcdslog.AppendDatagram(nil, "", dumped); !cmp.Equal(got, unhex(t, dump)) {
		t.Errorf("wrote % x", got)
	}
	secret := srcdslog.AppendDatagram(nil, "8675309", dumped)
	if !strings.HasPrefix(string(secret), "\xff\xff\xff\xffS8675309L 11/24") {
		t.Errorf("with a secret: %q", secret)
	}
	key, has, line, err = srcdslog.ParseDatagram(secret)
	if key != "8675309" || !has || line != dumped || err != nil {
		t.Errorf("with a secret: got %q, %v, %q, %v", key, has, line, err)
	}
	for _, bad := range []string{"", "\xff\xff\xff\xff", "\xff\xff\xff\xffT", "R", "\xff\xff\xff\xffSL 11/24", "\xff\xff\xff\xffS"} {
		if _, _, _, err := srcdslog.ParseDatagram([]byte(bad)); !errors.Is(err, srcdslog.ErrMalformed) {
			t.Errorf("%q: got error %v, want ErrMalformed", bad, err)
		}
	}
}

func TestSteamIDs(t *testing.T) {
	const id srcdslog.SteamID = 76561197984957084
	for _, s := range []string{"STEAM_1:0:12345678", "STEAM_0:0:12345678", "[U:1:24691356]", "76561197984957084"} {
		if got, err := srcdslog.ParseSteamID(s); got != id || err != nil {
			t.Errorf("%s: got %d, %v", s, got, err)
		}
	}
	if id.String() != "76561197984957084" || id.Steam2() != "STEAM_1:0:12345678" || id.Steam3() != "[U:1:24691356]" ||
		id.Account() != 24691356 {
		t.Errorf("got %s, %s, %s, %d", id, id.Steam2(), id.Steam3(), id.Account())
	}
	for _, s := range []string{
		"", "BOT", "Console", "STEAM_ID_PENDING", "STEAM_ID_LAN", "STEAM_1:0:0", "STEAM_1:2:1", "STEAM_2:0:1", "STEAM_1:0:",
		"STEAM_1:0:01", "STEAM_1:0:2147483648",
		"[U:1:0]", "[U:1:1", "[G:1:1]", "[A:1:2:3]", "[U:1:4294967296]", "76561197960265728", "90167827942855688", "103582791429521412",
		"+76561197984957084",
	} {
		if got, err := srcdslog.ParseSteamID(s); !errors.Is(err, srcdslog.ErrSteamID) || got != 0 {
			t.Errorf("%q: got %d, %v, want ErrSteamID", s, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range lines {
		f.Add("L 11/24/2026 - 00:05:01: " + c.msg)
	}
	f.Add(dumped + "\r\n\x00")
	for _, line := range torn {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := srcdslog.Parse(line)
		if err != nil && (e.Kind != srcdslog.Unknown || e.Player != nil) {
			t.Errorf("%q: got event %+v with error %v", line, e, err)
		}
		if !strings.Contains(line, e.Message) {
			t.Errorf("%q: message %q is not part of the line", line, e.Message)
		}
		for _, p := range []*player{e.Player, e.Target} {
			if p == nil {
				continue
			}
			if !strings.Contains(line, p.Name) || p.UserID < 0 || p.Bot && p.SteamID != 0 {
				t.Errorf("%q: invalid player %+v", line, p)
			}
		}
		for _, s := range []string{e.Text, e.Name, e.Value, e.Map, e.Weapon, e.Address, e.By, e.Team} {
			if !strings.Contains(line, s) {
				t.Errorf("%q: %q is not part of the line", line, s)
			}
		}
	})
}

func FuzzDatagram(f *testing.F) {
	f.Add(unhex(f, dump))
	f.Add(srcdslog.AppendDatagram(nil, "8675309", dumped))
	f.Add([]byte("\xff\xff\xff\xffS"))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, has, line, err := srcdslog.ParseDatagram(b)
		if err != nil {
			return
		}
		if has != (key != "") {
			t.Errorf("% x: secret %q, %v", b, key, has)
		}
		k, h, l, err := srcdslog.ParseDatagram(srcdslog.AppendDatagram(nil, key, line))
		// A line that begins with a digit cannot be distinguished from the secret; real lines begin with L.
		if err != nil || h != has || k+l != key+line {
			t.Errorf("% x: %q %q became %q %q, %v", b, key, line, k, l, err)
		}
	})
}

func FuzzSteamID(f *testing.F) {
	for _, s := range []string{"STEAM_1:0:12345678", "STEAM_0:1:1", "[U:1:24691356]", "76561197984957084", "BOT", "STEAM_1:0:2147483647"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := srcdslog.ParseSteamID(s)
		if err != nil {
			return
		}
		for _, form := range []string{id.String(), id.Steam2(), id.Steam3()} {
			if again, err := srcdslog.ParseSteamID(form); again != id || err != nil {
				t.Errorf("%q: %s parsed as %d, %v", s, form, again, err)
			}
		}
	})
}
