package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

func TestBotsAreTold(t *testing.T) {
	for _, c := range []struct {
		what string
		bots int
		want []string
	}{
		{"none", 0, nil},
		{"those with a bot's name first, however short they are there", 2, []string{"Coach", "Charger"}},
		{"then who is there for longest", 3, []string{"early", "Coach", "Charger"}},
		{"more than there are players", 9, []string{"early", "late", "Coach", "Charger"}},
		{"nonsense", -1, nil},
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
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
