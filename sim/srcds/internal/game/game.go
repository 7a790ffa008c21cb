// Package game simulates players who join, chat, fight and leave.
//
// It is independent of sockets and consoles. Its owner calls Beat to let time pass; events are reported
// as lines of the log. The same seed and the same calls produce the same game. The players, their
// SteamIDs and their addresses are invented; the addresses are from the blocks reserved for
// documentation.
package game

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/source/srcdslog"
)

const maxName = 31

// Outcome is the effect of a beat on the map.
type Outcome int

// Outcomes of a beat.
const (
	Goes      Outcome = iota // the map continues
	Completed                // the chapter is completed: the next one follows
	Lost                     // the team has lost: the map restarts
)

// Rules are the rules of the current map.
type Rules struct {
	Map       string
	Versus    bool // players may join the infected
	Hibernate bool // no bots on an empty server
	Most      int  // maximum number of players
}

// Game holds the players on a server. It is not safe for concurrent use.
type Game struct {
	Log func(format string, args ...any)
	// Allowed reports whether a player may join. It may be nil.
	Allowed func(id srcdslog.SteamID, from netip.Addr) bool

	rng        *rand.Rand
	people     []person
	players    []*Player
	rules      Rules
	average    int
	target     int
	lastUserID int
	now        time.Time // time of the beat
	beats      int       // beats so far in the round
	length     int       // length of the round in beats
}

// New returns an empty game that has about average players over time.
func New(seed uint64, average int, log func(format string, args ...any)) *Game {
	g := &Game{Log: log, rng: rand.New(rand.NewPCG(seed, 0x4c344432)), people: people(), lastUserID: 1}
	g.SetAverage(average)
	return g
}

// SetAverage changes the average number of players. With 0, no players join and connected ones do
// nothing.
func (g *Game) SetAverage(n int) { g.average, g.target = n, n }

// Average returns the value set with [Game.SetAverage].
func (g *Game) Average() int { return g.average }

// Players returns all players in the order of their slots. The caller must not modify them.
func (g *Game) Players() []*Player { return g.players }

// Humans returns the number of human players, including those who are connecting.
func (g *Game) Humans() int { return g.count(func(p *Player) bool { return !p.Bot }) }

// Bots returns the number of bots.
func (g *Game) Bots() int { return len(g.players) - g.Humans() }

func (g *Game) count(is func(*Player) bool) int {
	n := 0
	for _, p := range g.players {
		if is(p) {
			n++
		}
	}
	return n
}

// StartMap starts a map. Players stay, bots are replaced.
func (g *Game) StartMap(r Rules, now time.Time) {
	g.rules = r
	g.players = slices.DeleteFunc(g.players, func(p *Player) bool { return p.Bot })
	for i, p := range g.players {
		p.Slot, p.Team, p.Character = i+1, "", ""
		if p.State == Active {
			p.State = Spawning
		}
	}
	g.startRound()
	g.fillBots(now)
	if g.average == 0 { // no beat would bring them in
		for _, p := range g.humans() {
			g.finishJoining(p, now)
		}
	}
}

// EndMap removes all players, because a map was not found.
func (g *Game) EndMap() { g.players = nil }

func (g *Game) startRound() {
	g.beats, g.length = 0, 60+g.rng.IntN(90)
	g.Log(`World triggered "Round_Start"`)
}

func (g *Game) cast() int {
	var campaign int
	if _, err := fmt.Sscanf(g.rules.Map, "c%dm", &campaign); err == nil && campaign >= 7 {
		return 1
	}
	return 0
}

// fillBots keeps four survivors in the game: it adds a bot for each character without a player.
func (g *Game) fillBots(now time.Time) {
	isSurvivor := func(p *Player) bool { return p.Team == Survivor }
	if g.rules.Hibernate && g.Humans() == 0 {
		for _, p := range slices.Clone(g.players) {
			g.remove(p, "Kicked by Console")
		}
		return
	}
	for g.count(isSurvivor) > 4 {
		i := slices.IndexFunc(g.players, func(p *Player) bool { return p.Bot && isSurvivor(p) })
		if i < 0 {
			break
		}
		g.remove(g.players[i], "Kicked by Console")
	}
	for _, c := range survivors[g.cast()] {
		taken := slices.ContainsFunc(g.players, func(p *Player) bool { return p.Character == c.character })
		if taken || g.count(isSurvivor) >= 4 {
			continue
		}
		p := g.connect(person{name: c.name}, true, now)
		p.Character, p.health = c.character, 100
		g.joinTeam(p, Survivor)
	}
}

// connect adds a player in the first free slot.
func (g *Game) connect(who person, bot bool, now time.Time) *Player {
	g.lastUserID++
	slot := 1
	for slices.ContainsFunc(g.players, func(p *Player) bool { return p.Slot == slot }) {
		slot++
	}
	p := &Player{
		UserID: g.lastUserID, Slot: slot, Name: who.name, SteamID: who.steamID, Address: who.address, Bot: bot,
		State: Connected, Ping: 20 + g.rng.IntN(130), Rate: 30000, Since: now, health: 100,
		area: 1 + g.rng.IntN(90000), yaw: g.rng.Float64() * 360,
	}
	for i := range p.position {
		p.position[i] = (g.rng.Float64() - 0.5) * 8000
	}
	address := "none"
	if bot {
		p.State, p.Ping = Active, 0
	} else {
		address = who.address.String()
	}
	g.players = append(g.players, p)
	slices.SortFunc(g.players, func(a, b *Player) int { return a.Slot - b.Slot })
	g.Log(`"%s" connected, address "%s"`, p.Token(), address)
	return p
}

// Join lets a player with the given name join in one call. It returns nil if the server is full or the
// player may not join.
func (g *Game) Join(name string, now time.Time) *Player {
	if g.Humans() >= g.rules.Most {
		return nil
	}
	who, ok := g.personNamed(name)
	if !ok {
		return nil
	}
	p := g.connect(who, false, now)
	g.finishJoining(p, now)
	return p
}

// personNamed returns the person with a name, or creates one. The engine cuts names at 31 bytes.
func (g *Game) personNamed(name string) (person, bool) {
	for len(name) > maxName {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	i := slices.IndexFunc(g.people, func(w person) bool { return w.name == name })
	if i < 0 {
		i = len(g.people)
		g.people = append(g.people, newPerson(name, i))
	}
	return g.people[i], g.mayJoin(g.people[i])
}

func (g *Game) mayJoin(w person) bool {
	here := slices.ContainsFunc(g.players, func(p *Player) bool { return p.SteamID == w.steamID })
	return !here && (g.Allowed == nil || g.Allowed(w.steamID, w.address.Addr()))
}

// finishJoining performs all remaining steps of joining.
func (g *Game) finishJoining(p *Player, now time.Time) {
	for p.State != Active {
		g.advance(p, now)
	}
}

// advance performs one step of joining.
func (g *Game) advance(p *Player, now time.Time) {
	if p.State == Connected {
		p.State = Spawning
		g.Log(`"%s" STEAM USERID validated`, p.Token())
		return
	}
	p.State, p.Team = Active, ""
	g.Log(`"%s" entered the game`, p.Token())
	team := Survivor
	onTeam := func(team string) int {
		return g.count(func(o *Player) bool { return !o.Bot && o.Team == team })
	}
	if g.rules.Versus && onTeam(Infected) < onTeam(Survivor) {
		team = Infected
	}
	g.joinTeam(p, team)
	g.fillBots(now)
}

func (g *Game) joinTeam(p *Player, team string) {
	p.Team = Unassigned
	g.Log(`"%s" joined team "%s"`, p.Token(), team)
	p.Team, p.dead, p.down, p.temp = team, false, false, 0
	switch {
	case team == Spectator:
		p.Character = ""
	case team == Infected:
		s := special[g.rng.IntN(len(special)-1)] // nobody starts as the Tank
		p.Character, p.health = strings.ToUpper(s.name), s.health
	case !p.Bot:
		g.takeOver(p)
	}
}

// takeOver gives a player the character of a bot and removes the bot.
func (g *Game) takeOver(p *Player) {
	i := slices.IndexFunc(g.players, func(o *Player) bool { return o.Bot && o.Team == Survivor })
	if i >= 0 {
		bot := g.players[i]
		p.Character, p.health = bot.Character, bot.health
		g.remove(bot, "Kicked by Console")
		return
	}
	p.health = 100
	for _, c := range survivors[g.cast()] {
		if !slices.ContainsFunc(g.players, func(o *Player) bool { return o.Character == c.character }) {
			p.Character = c.character
			return
		}
	}
}

func (g *Game) remove(p *Player, reason string) {
	g.Log(`"%s" disconnected (reason "%s")`, p.Token(), reason)
	g.players = slices.DeleteFunc(g.players, func(o *Player) bool { return o == p })
}

// Leave removes a player from the server.
func (g *Game) Leave(p *Player, reason string, now time.Time) {
	g.remove(p, reason)
	g.fillBots(now)
}

// Find returns the player with a user ID, a SteamID or a name (ignoring case), or nil.
func (g *Game) Find(who string) *Player {
	id, _ := srcdslog.ParseSteamID(who)
	for _, p := range g.players {
		if fmt.Sprint(p.UserID) == who || id != 0 && p.SteamID == id || strings.EqualFold(p.Name, who) {
			return p
		}
	}
	return nil
}

// Say logs a chat message of a player.
func (g *Game) Say(p *Player, text string) { g.Log(`"%s" say "%s"`, p.Token(), text) }

func (g *Game) humans() []*Player {
	var list []*Player
	for _, p := range g.players {
		if !p.Bot {
			list = append(list, p)
		}
	}
	return list
}
