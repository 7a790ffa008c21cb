package srcdslog

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Player is a player token, `"Name<userid><id><team>"`. In gameplay events it also contains the state
// of the player's character.
//
// Left 4 Dead 2 writes objects of the map in the same form, with an empty ID: common infected and
// witches, and causes of death such as trigger_hurt, inferno or pipe_bomb_projectile. These are called
// entities.
type Player struct {
	Name   string
	UserID int    // number of the connection, not reused while the server runs; 0 for the console; the entity's number for an entity
	ID     string // "STEAM_1:0:123", "BOT", "Console", "STEAM_ID_PENDING"; empty for an entity
	Team   string // Survivor, L4D1_Survivor, Infected, Spectator, Unassigned, or empty before the player joins a team

	SteamID SteamID // zero if ID is not the SteamID of a person
	Bot     bool
	Entity  bool // not a client; UserID is no connection and Name is the class

	// Extended reports whether the token contained the following fields.
	Extended   bool
	Character  string // Gambler, Producer, Coach, Mechanic, NamVet, TeenGirl, Biker, Manager, CHARGER, TANK…; the class for an entity
	State      string // ALIVE, LIMPING, INCAP, HANGING, BURNING, DEAD
	Dead       bool   // true if State is DEAD
	Health     int    // may be negative for dead players
	TempHealth int
	Position   [3]float64 // coordinates in map units
	Angles     [3]float64 // pitch, yaw, roll in degrees
	Area       int        // number of the navigation area
}

// maxName is the maximum length of a name in the engine, in bytes. It decides between several
// interpretations of a line.
const maxName = 31

// nameable reports whether the name is possible: a player's name is at most maxName bytes long, and an
// entity's name is a word of the game.
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

// extensions is the number of groups that may follow the team: character, state, health, position,
// area.
const extensions = 5

// parseToken parses a token without its quotes. It works from right to left because a name may contain
// anything: among the groups in brackets at the end, the rightmost three that look like user ID, ID and
// team are used, and the groups to their right are the extension. A token with an incomplete extension
// was truncated and is rejected.
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

// extend parses the extension groups, which are ordered from right to left, and reports whether all are
// valid.
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

// number parses a decimal number, which may be negative. It returns false if found is false.
func number(s string, found bool) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, found && err == nil
}

// vector parses the three numbers after one of the given words: "setang 0.00 179.84 0.00".
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
