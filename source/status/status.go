package status

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrNoStatus is returned for a text without a single line of the status output.
var ErrNoStatus = errors.New("status: no status in this text")

// MaxPlayers is the maximum number of players returned. Further rows are omitted.
const MaxPlayers = 256

// Status is the parsed output. Fields whose line is missing are zero.
type Status struct {
	Hostname      string
	Version       string // "2.2.4.3"
	Build         int    // 10097
	Secure        bool   // VAC
	Address       string // "10.0.0.4:27015", the address that the server listens on
	PublicAddress string // "203.0.113.9:27015", empty if Steam did not report one; equals Address if the server reports that
	OS            string // "Linux"
	Dedicated     bool
	Map           string
	Humans, Bots  int // numbers from the players line; servers count bots differently, so count Players instead
	Max           int
	Hibernating   bool
	Reserved      bool
	ReservationID string // id of the lobby, 64 bits in hexadecimal
	Players       []Player
}

// Player is a row of the player list. A bot has only UserID, Name and, in most versions, State.
type Player struct {
	UserID    int
	Slot      int
	Name      string
	SteamID   string // "STEAM_1:0:12345678", "STEAM_ID_PENDING" before authentication
	Bot       bool
	Connected time.Duration // time since the player connected
	Ping      time.Duration
	Loss      int    // percent
	State     string // challenging, connected, spawning, active, zombie
	Rate      int    // bytes per second
	Address   string // empty if a player sent the command; "loopback" for the host of a listen server
}

// The names match greedily: a name may contain quotes and spaces, the fields after it cannot.
var (
	humanRow = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(
			`^#\s*(\d{1,9})\s+(\d{1,9})\s+"(.*)"\s+(\S+)\s+([\d:]{4,12})\s+(\d{1,9})\s+(\d{1,9})\s+([a-z]+)\s+(\d{1,9})` +
				`(?:\s+([0-9a-fA-F.:\[\]]+|loopback|none))?$`)
	})
	botRow = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^#\s*(\d{1,9})\s+"(.*)"\s+BOT(?:\s+([a-z]+))?$`)
	})
	counts = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\d{1,9}) humans?, (\d{1,9}) bots? \((\d{1,9})(?:/\d+)? max\)(.*)$`)
	})
	reserved = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\(reserved ([0-9a-fA-F]+)\)`)
	})
	address = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\S+)(?:\s*\[\s*public (\S+)\s*\])?`)
	})
)

// Parse parses the output of "status". It returns ErrNoStatus if text contains no part of it, and
// ignores fields that it cannot parse. If a field appears twice, the first value is used: otherwise
// plugins and players who can print text to the console could overwrite it.
func Parse(text string) (Status, error) {
	var s Status
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.Trim(line, " \t\r\n\x00")
		if strings.HasPrefix(line, "#") {
			if p, ok := parseRow(line); ok && len(s.Players) < MaxPlayers {
				s.Players = append(s.Players, p)
				seen["#"] = true
			}
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		key = strings.TrimSpace(key)
		if !ok || seen[key] {
			continue
		}
		if s.set(key, strings.TrimSpace(value)) {
			seen[key] = true
		}
	}
	if len(seen) == 0 {
		return Status{}, ErrNoStatus
	}
	return s, nil
}

func (s *Status) set(key, value string) bool {
	switch key {
	case "hostname":
		s.Hostname = value
	case "version":
		f := strings.Fields(value)
		if len(f) == 0 {
			return false
		}
		s.Version, _, _ = strings.Cut(f[0], "/")
		for _, w := range f[1:] {
			if n, err := strconv.Atoi(w); err == nil && s.Build == 0 {
				s.Build = n
			}
			if w == "secure" {
				s.Secure = true
			}
		}
	case "udp/ip":
		m := address().FindStringSubmatch(value)
		if m == nil {
			return false
		}
		s.Address = m[1]
		switch m[2] {
		case "n/a":
		case "same":
			s.PublicAddress = s.Address
		default:
			s.PublicAddress = m[2]
		}
	case "os":
		system, kind, _ := strings.Cut(value, " ")
		s.OS, s.Dedicated = system, strings.EqualFold(strings.TrimSpace(kind), "dedicated")
	case "map":
		s.Map, _, _ = strings.Cut(value, " ")
	case "players":
		m := counts().FindStringSubmatch(value)
		if m == nil {
			return false
		}
		s.Humans, s.Bots, s.Max = number(m[1]), number(m[2]), number(m[3])
		s.Hibernating = strings.Contains(m[4], "(hibernating)")
		if r := reserved().FindStringSubmatch(m[4]); r != nil {
			s.Reserved, s.ReservationID = true, r[1]
		}
	default:
		return false
	}
	return true
}

func parseRow(line string) (Player, bool) {
	if m := humanRow().FindStringSubmatch(line); m != nil {
		connected, ok := clock(m[5])
		if !ok {
			return Player{}, false
		}
		return Player{
			UserID: number(m[1]), Slot: number(m[2]), Name: m[3], SteamID: m[4], Connected: connected,
			Ping: time.Duration(number(m[6])) * time.Millisecond, Loss: number(m[7]), State: m[8],
			Rate: number(m[9]), Address: m[10],
		}, true
	}
	if m := botRow().FindStringSubmatch(line); m != nil {
		return Player{UserID: number(m[1]), Name: m[2], Bot: true, State: m[3]}, true
	}
	return Player{}, false
}

// clock parses MM:SS or H:MM:SS.
func clock(s string) (time.Duration, bool) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	var seconds int
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n > 99999 {
			return 0, false
		}
		seconds = seconds*60 + n
	}
	return time.Duration(seconds) * time.Second, true
}

// number converts digits whose count the expressions above have limited.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
