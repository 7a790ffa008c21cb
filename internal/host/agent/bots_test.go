package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

func TestMarkBotsPrefersBotNames(t *testing.T) {
	for _, c := range []struct {
		what string
		bots int
		want []string
	}{
		{"none", 0, nil},
		{"players with a bot's name first, however short their time", 2, []string{"Coach", "Charger"}},
		{"then the player connected for longest", 3, []string{"early", "Coach", "Charger"}},
		{"more bots than players", 9, []string{"early", "late", "Coach", "Charger"}},
		{"negative number", -1, nil},
	} {
		players := []left4me.Player{
			{Name: "early", Duration: time.Hour},
			{Name: "late", Duration: time.Minute},
			{Name: "Coach", Duration: time.Second},
			{Name: "Charger", Duration: 2 * time.Second},
		}
		markBots(players, c.bots)
		var got []string
		for _, p := range players {
			if p.Bot {
				got = append(got, p.Name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: marked %q, want %q", c.what, got, c.want)
		}
	}
}
