package agent

import (
	"cmp"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// botNames are the names that L4D2 gives to bots: the survivors of both games and the special
// infected.
var botNames = []string{
	"Nick", "Rochelle", "Coach", "Ellis", "Bill", "Zoey", "Francis", "Louis",
	"Smoker", "Boomer", "Hunter", "Spitter", "Jockey", "Charger", "Witch", "Tank",
}

// markBots marks n players as bots. A2S returns only the number of bots. Players with a bot's name
// are marked first, then those connected for longest, because a bot never disconnects.
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
