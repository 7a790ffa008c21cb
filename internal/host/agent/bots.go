package agent

import (
	"cmp"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// botNames are what L4D2 calls its bots: the survivors of both casts and the
// special infected.
var botNames = []string{
	"Nick", "Rochelle", "Coach", "Ellis", "Bill", "Zoey", "Francis", "Louis",
	"Smoker", "Boomer", "Hunter", "Spitter", "Jockey", "Charger", "Witch", "Tank",
}

// markBots marks n of the players as bots. A2S tells how many there are, not
// which: first those with a bot's name, then those who have been there for
// longest, for a bot never leaves to sleep.
func markBots(players []left4me.Player, n int) {
	order := make([]*left4me.Player, len(players))
	for i := range players {
		order[i] = &players[i]
	}
	slices.SortStableFunc(order, func(a, b *left4me.Player) int {
		if x, y := slices.Contains(botNames, a.Name), slices.Contains(botNames, b.Name); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Duration, a.Duration)
	})
	for _, p := range order[:min(max(n, 0), len(order))] {
		p.Bot = true
	}
}
