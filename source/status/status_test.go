package status_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/source/status"
)

const modern = `hostname: My server
version : 2.2.4.3 10097 secure  (unknown)
udp/ip  : 10.0.0.4:27015 [ public 203.0.113.9:27015 ]
os      : Linux Dedicated
map     : c2m1_highway
players : 2 humans, 1 bots (12 max) (not hibernating) (unreserved)

# userid name uniqueid connected ping loss state rate adr
# 26 1 "Six" STEAM_1:0:12345678 05:40 99 0 active 30000 1.2.3.4:44563
#27 "Coach" BOT active
#  7 2 "0125" STEAM_1:0:32599262 1:02:33 45 2 spawning 30000 5.6.7.8:27005
#end
`

// early is the answer of version 1.0.3.0 to a player in the game: without addresses and without the
// hibernation state.
const early = `hostname: A: "quoted" server
version : 1.0.3.0/15 4112 insecure
udp/ip  : 10.0.0.4:27015 [ public n/a ]
os      : Windows Listen
map     : c1m1_hotel at ( 1, 2, 3 )
players : 1 human, 0 bots (4/4 max) (hibernating) (reserved 186000065da65d55)

# userid name uniqueid connected ping loss state rate
#  2 1 "a "b" c" STEAM_ID_PENDING 00:01 0 0 challenging 10000
#end
`

func TestParseCurrentVersion(t *testing.T) {
	got, err := status.Parse(modern)
	want := status.Status{
		Hostname: "My server", Version: "2.2.4.3", Build: 10097, Secure: true, Address: "10.0.0.4:27015",
		PublicAddress: "203.0.113.9:27015",
		OS:            "Linux", Dedicated: true, Map: "c2m1_highway", Humans: 2, Bots: 1, Max: 12,
		Players: []status.Player{
			{
				UserID:    26,
				Slot:      1,
				Name:      "Six",
				SteamID:   "STEAM_1:0:12345678",
				Connected: 5*time.Minute + 40*time.Second,
				Ping:      99 * time.Millisecond,
				State:     "active",
				Rate:      30000,
				Address:   "1.2.3.4:44563",
			},
			{UserID: 27, Name: "Coach", Bot: true, State: "active"},
			{
				UserID:    7,
				Slot:      2,
				Name:      "0125",
				SteamID:   "STEAM_1:0:32599262",
				Connected: time.Hour + 2*time.Minute + 33*time.Second,
				Ping:      45 * time.Millisecond,
				Loss:      2,
				State:     "spawning",
				Rate:      30000,
				Address:   "5.6.7.8:27005",
			},
		},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestParseEarlyVersion(t *testing.T) {
	got, err := status.Parse(early)
	want := status.Status{
		Hostname: `A: "quoted" server`, Version: "1.0.3.0", Build: 4112, Address: "10.0.0.4:27015", OS: "Windows", Map: "c1m1_hotel",
		Humans: 1, Max: 4, Hibernating: true, Reserved: true, ReservationID: "186000065da65d55",
		Players: []status.Player{{
			UserID:    2,
			Slot:      1,
			Name:      `a "b" c`,
			SteamID:   "STEAM_ID_PENDING",
			Connected: time.Second,
			State:     "challenging",
			Rate:      10000,
		}},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

// same is the answer to a player whose own address is the public one. Other output interrupts two rows.
const same = `hostname: Mia's hideout
version : 2.2.2.6 8777 secure  (unknown)
udp/ip  : 198.51.100.7:27015 [ public same ]
os      : Linux Dedicated
map     : c8m5_rooftop at ( 5294, 8429, 5598 )
players : 2 humans, 5 bots (4 max) (not hibernating) (unreserved)

# userid name uniqueid connected ping loss state rate
#  2 1 "Mia" STEAM_1:1:77 12:05 33 0 active 30000
#  3 2 "Al" STEAM_1:0:123 00:12 45 0 active 30000
#  4 "Nick" BOT active
# 15 "Ellis" BOT
#100 "Rochelle" BOT active
#  5 3 "Bo" STEAM_1:0:9 00:12 45 0 active 30000 198.51.100.9:27005Server
#  6 "Coach" BOT active[SM] x
#end
`

func TestParseSamePublicAddress(t *testing.T) {
	got, err := status.Parse(same)
	want := status.Status{
		Hostname: "Mia's hideout", Version: "2.2.2.6", Build: 8777, Secure: true, Address: "198.51.100.7:27015",
		PublicAddress: "198.51.100.7:27015",
		OS:            "Linux", Dedicated: true, Map: "c8m5_rooftop", Humans: 2, Bots: 5, Max: 4,
		Players: []status.Player{
			{
				UserID:    2,
				Slot:      1,
				Name:      "Mia",
				SteamID:   "STEAM_1:1:77",
				Connected: 12*time.Minute + 5*time.Second,
				Ping:      33 * time.Millisecond,
				State:     "active",
				Rate:      30000,
			},
			{
				UserID:    3,
				Slot:      2,
				Name:      "Al",
				SteamID:   "STEAM_1:0:123",
				Connected: 12 * time.Second,
				Ping:      45 * time.Millisecond,
				State:     "active",
				Rate:      30000,
			},
			{UserID: 4, Name: "Nick", Bot: true, State: "active"},
			{UserID: 15, Name: "Ellis", Bot: true},
			{UserID: 100, Name: "Rochelle", Bot: true, State: "active"},
		},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestParseIgnoresOtherOutput(t *testing.T) {
	var mixed strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(modern, "\n", "\r\n")) {
		mixed.WriteString(line + "[SM] a plugin speaks: loudly\r\n#1 in the world\r\n")
	}
	want, err := status.Parse(modern)
	if err != nil {
		t.Fatal(err)
	}
	got, err := status.Parse(mixed.String())
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestParsePlayerRows(t *testing.T) {
	for row, want := range map[string]string{
		`# 1 1 "# 2 2 "x" STEAM_1:0:9 00:01 1 0 active 1" STEAM_1:0:1 00:10 1 0 active 30000 1.2.3.4:1`: `# 2 2 "x" STEAM_1:0:9 00:01 1 0 active 1`,
		`#2 "Tank" BOT`:                               "Tank",
		`#2 "a" BOT active" BOT active`:               `a" BOT active`,
		`# 3 1 "" STEAM_1:0:1 00:10 1 0 active 30000`: "",
		`#end`:                                       "none",
		`# userid name uniqueid connected`:           "none",
		`# 1 1 "x" STEAM_1:0:1 10 1 0 active 1`:      "none",
		`# 1 1 "x" STEAM_1:0:1 1:2:3:4 1 0 active 1`: "none",
	} {
		s, err := status.Parse("map : x\n" + row)
		got := "none"
		if len(s.Players) == 1 {
			got = s.Players[0].Name
		}
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", row, got, err, want)
		}
	}
}

func TestParseKeepsFirstOfDuplicates(t *testing.T) {
	s, err := status.Parse(modern + "hostname: forged\nmap     : forged\nplayers : 99 humans, 0 bots (99 max)\n")
	if err != nil || s.Hostname != "My server" || s.Map != "c2m1_highway" || s.Humans != 2 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestParseRefusesOtherOutput(t *testing.T) {
	for _, text := range []string{"", "Unknown command: status\n", "hello: world", "#end"} {
		if s, err := status.Parse(text); !errors.Is(err, status.ErrNoStatus) || len(s.Players) > 0 {
			t.Errorf("%q: got %+v, %v, want ErrNoStatus", text, s, err)
		}
	}
}

func TestParseLimitsPlayers(t *testing.T) {
	var b strings.Builder
	for i := range 2 * status.MaxPlayers {
		fmt.Fprintf(&b, "#%d \"Bot\" BOT active\n", i)
	}
	if s, err := status.Parse(b.String()); err != nil || len(s.Players) != status.MaxPlayers {
		t.Errorf("got %d players, %v", len(s.Players), err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(modern)
	f.Add(early)
	f.Add(same)
	f.Add(strings.ReplaceAll(modern, "\n", "\r\n"))
	f.Add("#2 \"a\" BOT\x00\n# 1 1 \"\" x 00:00 0 0 zombie 0")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := status.Parse(text)
		if err != nil {
			return
		}
		if len(s.Players) > status.MaxPlayers || s.Humans < 0 || s.Bots < 0 || s.Max < 0 || s.Build < 0 {
			t.Errorf("invalid status %+v", s)
		}
		for _, p := range s.Players {
			if p.Connected < 0 || p.Ping < 0 || p.Loss < 0 || p.Rate < 0 || !strings.Contains(text, p.Name) {
				t.Errorf("invalid player %+v", p)
			}
		}
	})
}
