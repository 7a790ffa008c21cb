package game

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/left4me/left4me/source/srcdslog"
)

// Player is a human player or a bot.
type Player struct {
	UserID    int // never reused
	Slot      int // counted from 1
	Name      string
	SteamID   srcdslog.SteamID // zero for a bot
	Address   netip.AddrPort
	Bot       bool
	State     State
	Team      string // empty before the player joins a team
	Character string // as in the log: Gambler, TANK…; empty if none
	Score     int
	Ping      int
	Loss      int
	Rate      int
	Since     time.Time // start of the connection

	health, temp int
	dead, down   bool
	position     [3]float64
	yaw          float64
	area         int
	leaveAfter   int // beats until an infected bot is removed
}

// State is the state of a connection.
type State string

// Connection states in order.
const (
	Connected State = "connected"
	Spawning  State = "spawning"
	Active    State = "active"
)

// Teams.
const (
	Survivor   = "Survivor"
	Infected   = "Infected"
	Spectator  = "Spectator"
	Unassigned = "Unassigned"
)

// ID returns the player's SteamID as the log and the console print it.
func (p *Player) ID() string {
	switch {
	case p.Bot:
		return "BOT"
	case p.State == Connected:
		return "STEAM_ID_PENDING"
	}
	return p.SteamID.Steam2()
}

// Token returns the player token of the log: name, user ID, SteamID and team.
func (p *Player) Token() string {
	id := p.ID()
	if !p.Bot {
		id = p.SteamID.Steam2() // the log contains the SteamID from the beginning
	}
	return fmt.Sprintf("%s<%d><%s><%s>", p.Name, p.UserID, id, p.Team)
}

// Extended returns the longer token of gameplay events. For a dead player another word precedes the
// position.
func (p *Player) Extended() string {
	if p.Character == "" {
		return p.Token()
	}
	state, word := "ALIVE", "setpos_exact"
	switch {
	case p.dead:
		state, word = "DEAD", "setpos"
	case p.down:
		state = "INCAP"
	case p.Team == Survivor && p.health < 40:
		state = "LIMPING"
	}
	return fmt.Sprintf("%s<%s><%s><%d+%d><%s %.2f %.2f %.2f; setang 0.00 %.2f 0.00><Area %d>", p.Token(),
		p.Character, state, p.health, p.temp, word, p.position[0], p.position[1], p.position[2], p.yaw, p.area)
}

// common returns the log token of a common infected: an entity with a number of its own and no SteamID.
func (g *Game) common(near *Player, dead bool) string {
	state, health := "ALIVE", 50
	if dead {
		state, health = "DEAD", -g.rng.IntN(60)
	}
	return fmt.Sprintf("infected<%d><><Infected><infected><%s><%d><setpos_exact %.2f %.2f %.2f; setang 0.00 %.2f 0.00><Area %d>",
		100+g.rng.IntN(500), state, health, near.position[0]+g.rng.Float64()*300, near.position[1], near.position[2], g.rng.Float64()*360,
		near.area)
}
