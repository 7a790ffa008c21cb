package srcdslog

import (
	"strconv"
	"strings"
)

// Player is who a line is about: `"Name<userid><id><team>"`, in the events of play followed by what a character does.
type Player struct {
	Name   string
	UserID int    // number of the connection, never used twice while the server runs; 0 is the console
	ID     string // as it stands there: "STEAM_1:0:123", "BOT", "Console", "STEAM_ID_PENDING"
	Team   string // Survivor, Infected, Spectator, Unassigned, or empty before the first team

	SteamID SteamID // zero if ID is none of a person
	Bot     bool

	// Extended says that what follows was there.
	Extended   bool
	Character  string // Gambler, Producer, Coach, Mechanic, NamVet, TeenGirl, Biker, Manager, CHARGER, TANK…
	Dead       bool
	Health     int
	TempHealth int
	Position   [3]float64 // in units of the map
	Angles     [3]float64 // pitch, yaw, roll in degrees
	Area       int        // number of the navigation area
}

// maxName is the longest name that the engine takes, in bytes. Between several readings of a line it decides.
const maxName = 31

// maxGroups bounds the brackets of a token; the longest known has eight.
const maxGroups = 16

// parseToken reads a token without its quotes from the right, since a name may hold anything. Of the brackets that end
// it, the rightmost three that look like userid, id and team are those; what is right of them is the extension.
func parseToken(s string) (Player, bool) {
	var groups []string // right to left
	for strings.HasSuffix(s, ">") && len(groups) < maxGroups {
		s = s[:len(s)-1]
		open := strings.LastIndexAny(s, "<>")
		if open < 0 || s[open] != '<' {
			break
		}
		groups = append(groups, s[open+1:])
		s = s[:open]
		n := len(groups)
		if n < 3 || !isID(groups[n-2]) {
			continue
		}
		user, ok := digits(groups[n-1], 31)
		if !ok {
			continue
		}
		p := Player{Name: s, UserID: int(user), ID: groups[n-2], Team: groups[n-3], Bot: groups[n-2] == "BOT"}
		p.SteamID, _ = ParseSteamID(p.ID)
		p.extend(groups[:n-3])
		return p, true
	}
	return Player{}, false
}

func isID(s string) bool {
	return s == "BOT" || s == "Console" || s == "UNKNOWN" || strings.HasPrefix(s, "STEAM_") || strings.HasPrefix(s, "[")
}

// extend reads the further groups, which come right to left. Each is known by its form, since some may be missing.
func (p *Player) extend(groups []string) {
	for i := len(groups) - 1; i >= 0; i-- {
		g := groups[i]
		switch {
		case g == "ALIVE" || g == "DEAD":
			p.Dead = g == "DEAD"
		case strings.HasPrefix(g, "setpos"):
			position, angles, _ := strings.Cut(g, ";")
			p.Position, p.Angles = vector(position), vector(angles)
		case strings.HasPrefix(g, "Area "):
			p.Area, _ = strconv.Atoi(g[len("Area "):])
		default:
			health, temp, ok := strings.Cut(g, "+")
			h, err1 := strconv.Atoi(health)
			t, err2 := strconv.Atoi(temp)
			if ok && err1 == nil && err2 == nil {
				p.Health, p.TempHealth = h, t
			} else if p.Character == "" {
				p.Character = g
			}
		}
		p.Extended = true
	}
}

// vector reads the three numbers after a word: "setang 0.00 179.84 0.00".
func vector(s string) (v [3]float64) {
	for i, f := range strings.Fields(s) {
		if i >= 1 && i <= 3 {
			v[i-1], _ = strconv.ParseFloat(f, 64)
		}
	}
	return v
}
