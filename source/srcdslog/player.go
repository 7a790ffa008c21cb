package srcdslog

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Player is who a line is about: `"Name<userid><id><team>"`, in the events of play followed by what a character does.
//
// Left 4 Dead 2 writes things of the map in the same form, with an empty id: common infected and witches, and what kills
// without a hand, as trigger_hurt, inferno or pipe_bomb_projectile do. These are entities.
type Player struct {
	Name   string
	UserID int    // number of the connection, never used twice while the server runs; 0 is the console; of an entity its number
	ID     string // as it stands there: "STEAM_1:0:123", "BOT", "Console", "STEAM_ID_PENDING"; empty for an entity
	Team   string // Survivor, L4D1_Survivor, Infected, Spectator, Unassigned, or empty before the first team

	SteamID SteamID // zero if ID is none of a person
	Bot     bool
	Entity  bool // no client: UserID is none, and Name is the class

	// Extended says that what follows was there.
	Extended   bool
	Character  string // Gambler, Producer, Coach, Mechanic, NamVet, TeenGirl, Biker, Manager, CHARGER, TANK…; the class of an entity
	State      string // ALIVE, LIMPING, INCAP, HANGING, BURNING, DEAD
	Dead       bool   // the state is DEAD
	Health     int    // may be negative for the dead
	TempHealth int
	Position   [3]float64 // in units of the map
	Angles     [3]float64 // pitch, yaw, roll in degrees
	Area       int        // number of the navigation area
}

// maxName is the longest name that the engine takes, in bytes. Between several readings of a line it decides.
const maxName = 31

// nameable says whether there can be somebody, or something, of this name: that of an entity is a word of the game.
func (p *Player) nameable() bool {
	if !p.Entity {
		return len(p.Name) <= maxName
	}
	for _, r := range p.Name {
		if r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return p.Name != "" && len(p.Name) <= 64
}

// extensions are the groups that may follow the team: character, state, health, position, area.
const extensions = 5

// parseToken reads a token without its quotes from the right, since a name may hold anything. Of the brackets that end
// it, the rightmost three that look like userid, id and team are those; what is right of them is the extension. A
// token whose extension isn't whole is none: another print cut it.
func parseToken(s string) (Player, bool) {
	var groups []string // right to left
	for strings.HasSuffix(s, ">") && len(groups) < 3+extensions {
		s = s[:len(s)-1]
		open := strings.LastIndexAny(s, "<>")
		if open < 0 || s[open] != '<' {
			break
		}
		groups = append(groups, s[open+1:])
		s = s[:open]
		n := len(groups)
		if n < 3 || !isID(groups[n-2]) && (groups[n-2] != "" || n != 3+extensions) {
			continue
		}
		user, ok := digits(groups[n-1], 31)
		if !ok {
			continue
		}
		p := Player{Name: s, UserID: int(user), ID: groups[n-2], Team: groups[n-3], Bot: groups[n-2] == "BOT", Entity: groups[n-2] == ""}
		p.SteamID, _ = ParseSteamID(p.ID)
		return p, n == 3 || n == 3+extensions && p.extend(groups[:extensions])
	}
	return Player{}, false
}

func isID(s string) bool {
	return s == "BOT" || s == "Console" || s == "UNKNOWN" || strings.HasPrefix(s, "STEAM_") || strings.HasPrefix(s, "[")
}

// extend reads the further groups, which come right to left, and says whether each has its form.
func (p *Player) extend(groups []string) bool {
	area, where, health, state, character := groups[0], groups[1], groups[2], groups[3], groups[4]
	p.Extended, p.Character, p.State, p.Dead = true, character, state, state == "DEAD"
	var ok [4]bool
	p.Area, ok[0] = number(strings.CutPrefix(area, "Area "))
	position, angles, _ := strings.Cut(where, "; ")
	p.Position, ok[1] = vector(position, "setpos_exact", "setpos")
	p.Angles, ok[2] = vector(angles, "setang")
	health, temp, both := strings.Cut(health, "+")
	p.Health, ok[3] = number(health, true)
	if both && ok[3] {
		p.TempHealth, ok[3] = number(temp, true)
	}
	for _, r := range state {
		if r < 'A' || r > 'Z' {
			return false
		}
	}
	return state != "" && ok == [4]bool{true, true, true, true}
}

// number reads a decimal number that may be negative, of what was found.
func number(s string, found bool) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, found && err == nil
}

// vector reads the three numbers after one of the words: "setang 0.00 179.84 0.00".
func vector(s string, words ...string) (v [3]float64, ok bool) {
	f := strings.Fields(s)
	if len(f) != 4 || !slices.Contains(words, f[0]) {
		return v, false
	}
	for i := range v {
		n, err := strconv.ParseFloat(f[i+1], 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return v, false
		}
		v[i] = n
	}
	return v, true
}
