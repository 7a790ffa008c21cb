package a2s

import (
	"testing"

	outside "github.com/rumblefrog/go-a2s"
)

// A third-party client must be able to read the packets that this package writes for servers.
func TestThirdPartyClientReadsOurReplies(t *testing.T) {
	rules := manyRules(150)
	c, err := outside.NewClient(polite(t, rules, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	want := hotel()
	info, err := c.QueryInfo()
	if err != nil {
		t.Fatal(err)
	}
	if info.Name != want.Name || info.Map != want.Map || info.ID != want.AppID || info.Players != want.Players ||
		info.MaxPlayers != want.MaxPlayers || info.Bots != want.Bots || !info.VAC || info.Visibility ||
		info.Version != want.Version || info.EDF != want.Extra {
		t.Errorf("info %+v", info)
	}
	if x := info.ExtendedServerInfo; x == nil || x.Port != want.Port || x.SteamID != want.SteamID || x.Keywords != want.Keywords ||
		x.GameID != want.GameID {
		t.Errorf("extended %+v", x)
	}

	players, err := c.QueryPlayer()
	if err != nil {
		t.Fatal(err)
	}
	if players.Count != 2 || players.Players[0].Name != "Alice" || int32(players.Players[1].Score) != -2 ||
		players.Players[0].Duration != 61.5 {
		t.Errorf("players %+v", players)
	}

	got, err := c.QueryRules() // split into several fragments
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Rules) != len(rules) || got.Rules[rules[149].Name] != rules[149].Value {
		t.Errorf("got %d rules, want %d", len(got.Rules), len(rules))
	}
}
