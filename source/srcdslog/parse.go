package srcdslog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const timeLayout = "01/02/2006 - 15:04:05"

// ParseIn is like [Parse] for a server whose process runs in the time zone loc. In the hour that is
// repeated at the end of summer time, the time is ambiguous.
func ParseIn(line string, loc *time.Location) (Event, error) {
	line = strings.TrimRight(line, "\r\n\x00")
	// "L MM/DD/YYYY - HH:MM:SS: "
	const prefix = 2 + len(timeLayout)
	if len(line) < prefix+1 || line[:2] != "L " || line[prefix] != ':' {
		return Event{Message: line}, fmt.Errorf("srcdslog: %w", ErrNoTime)
	}
	at, err := time.ParseInLocation(timeLayout, line[2:prefix], loc)
	if err != nil {
		return Event{Message: line}, fmt.Errorf("srcdslog: %w", ErrNoTime)
	}
	msg := strings.TrimPrefix(line[prefix+1:], " ")
	if len(line) > MaxLine || interrupted(msg, at, loc) {
		return Event{At: at, Message: msg}, fmt.Errorf("srcdslog: %w", ErrTorn)
	}
	e, torn := parseMessage(msg)
	e.At, e.Message = at, msg
	if torn {
		return e, fmt.Errorf("srcdslog: %w", ErrTorn)
	}
	return e, nil
}

// ParseMessage parses a message, the part of a line after the time. A torn message has the kind
// Unknown.
func ParseMessage(msg string) Event {
	var e Event
	if len(msg) <= MaxLine {
		e, _ = parseMessage(msg)
	}
	e.Message = msg
	return e
}

// parseMessage also reports whether a message is torn: it begins like a known message but does not end
// like one.
func parseMessage(msg string) (e Event, torn bool) {
	// Kills and incapacitations have a prefix. A space follows the prefix only if the rest is not an
	// event of its own.
	rest, prefixed := strings.CutPrefix(msg, "(DEATH)")
	if !prefixed {
		rest, prefixed = strings.CutPrefix(msg, "(INCAP)")
	}
	switch {
	case strings.HasPrefix(rest, `"`):
		return parsePlayerLine(rest, prefixed)
	case prefixed || !e.parseWorld(msg):
		return Event{}, false
	}
	return e, false
}

const (
	// cutAt is the length in bytes at which the game truncates some of its lines ("used pills on"),
	// without a line end
	cutAt = 254
	// together is the maximum delay between a truncated line and the next one, which then continues on
	// the same line.
	together = time.Minute
)

// interrupted reports whether another line begins within msg. A forged name or chat text would have to
// guess the time.
func interrupted(msg string, at time.Time, loc *time.Location) bool {
	const prefix = 2 + len(timeLayout)
	for from := 0; ; {
		i := strings.Index(msg[from:], "L ")
		if i < 0 || from+i+prefix >= len(msg) {
			return false
		}
		from += i
		if msg[from+prefix] == ':' {
			t, err := time.ParseInLocation(timeLayout, msg[from+2:from+prefix], loc)
			if after := t.Sub(at); err == nil && (from == cutAt || after >= -time.Second && after <= together) {
				return true
			}
		}
		from += 2
	}
}

// parsePlayerLine tries each position where the player token may end, from right to left. It accepts
// the first interpretation in which the name has a valid length and the rest of the line can be parsed,
// so neither a name nor a chat text can easily imitate another line. A line without such an
// interpretation is torn if it contains a known verb; otherwise it is unknown.
func parsePlayerLine(msg string, prefixed bool) (e Event, torn bool) {
	var who *Player
	for end := len(msg); ; {
		end = strings.LastIndex(msg[:end], `>" `)
		if end < 1 {
			break
		}
		p, ok := parseToken(msg[1 : end+1])
		if !ok || !p.nameable() {
			continue
		}
		e := Event{Player: &p}
		if e.parseAction(msg[end+3:]) {
			return e, false
		}
		torn = torn || e.Kind != Unknown
		who = &p
	}
	if name, value, ok := strings.Cut(msg[1:], `" = "`); ok && strings.HasSuffix(value, `"`) && who == nil {
		return Event{Kind: Cvar, Name: name, Value: value[:len(value)-1]}, false
	}
	if torn || who == nil {
		return Event{}, torn || prefixed || strings.Contains(msg, "><")
	}
	return Event{Player: who}, false
}

// parseAction parses what a player did. If it knows the verb but cannot parse the rest, it returns
// false with the kind set.
func (e *Event) parseAction(s string) bool {
	switch {
	case s == "STEAM USERID validated":
		e.Kind = Validated
	case s == "entered the game":
		e.Kind = Entered
	case s == "spawned" || strings.HasPrefix(s, "spawned "):
		e.Kind = Spawned
	case cut(&s, `connected, address `):
		e.Kind = Connected
		return unquote(s, &e.Address)
	case cut(&s, `joined team `):
		e.Kind = JoinedTeam
		return unquote(s, &e.Team)
	case cut(&s, `changed name to `):
		e.Kind = Renamed
		return unquote(s, &e.Text)
	case cut(&s, `say_team `):
		e.Kind, e.TeamOnly = Said, true
		return e.said(s)
	case cut(&s, `say `):
		e.Kind = Said
		return e.said(s)
	case s == "disconnected":
		e.Kind = Disconnected
	case cut(&s, `disconnected (reason `):
		e.Kind = Disconnected
		s, ok := strings.CutSuffix(s, ")")
		return ok && unquote(s, &e.Text)
	case cut(&s, `committed suicide with `):
		e.Kind = Suicide
		s, _ = properties(s)
		return unquote(s, &e.Weapon)
	case cut(&s, `killed `):
		e.Kind = Killed
		return e.with(s, &e.Target)
	case cut(&s, `attacked `):
		e.Kind = Attacked
		return e.with(s, &e.Target)
	case s == `died from unknown attacker (probably World)`:
		e.Kind, e.Player, e.Target = Killed, nil, e.Player
	case s == `was incapped from unknown attacker (probably World)`:
		e.Kind, e.Player, e.Target = Incapped, nil, e.Player
	case cut(&s, `incapped self with `):
		e.Kind, e.Target = Incapped, e.Player
		s, _ = properties(s)
		return unquote(s, &e.Weapon)
	case cut(&s, `was incapped by `):
		e.Kind = Incapped
		e.Target = e.Player
		return e.with(s, &e.Player)
	case cut(&s, `triggered `):
		e.Kind = Triggered
		return e.triggered(s)
	default:
		return false
	}
	return true
}

func (e *Event) said(s string) bool {
	if rest, ok := strings.CutSuffix(s, " (dead)"); ok {
		s, e.Dead = rest, true
	}
	return unquote(s, &e.Text)
}

// with parses `"B…" with "weapon" (damage "1") (headshot)` and stores B in who.
func (e *Event) with(s string, who **Player) bool {
	s, props := properties(s)
	i := strings.LastIndex(s, `>" with "`)
	if i < 1 || s[0] != '"' {
		return false
	}
	p, ok := parseToken(s[1 : i+1])
	if !ok || !p.nameable() || !unquote(s[i+len(`>" with `):], &e.Weapon) {
		return false
	}
	*who = &p
	e.Headshot = strings.Contains(props, "(headshot)")
	if _, d, ok := strings.Cut(props, `(damage "`); ok {
		d, _, _ = strings.Cut(d, `"`)
		e.Damage, _ = strconv.Atoi(d)
	}
	return true
}

// triggered parses `"event"` and `"event" against "B…"`.
func (e *Event) triggered(s string) bool {
	s, _ = properties(s)
	if name, rest, ok := strings.Cut(s, `" against "`); ok && strings.HasSuffix(rest, `"`) {
		if p, ok := parseToken(rest[:len(rest)-1]); ok {
			e.Target = &p
			return unquote(name+`"`, &e.Name)
		}
	}
	return unquote(s, &e.Name)
}

// parseWorld parses the lines that do not begin with a player.
func (e *Event) parseWorld(s string) bool {
	switch {
	case cut(&s, `Loading map `):
		e.Kind = MapLoading
		return unquote(s, &e.Map)
	case cut(&s, `Started map `):
		e.Kind = MapStarted
		s, _ = properties(s)
		return unquote(s, &e.Map)
	case s == "server cvars start":
		e.Kind = CvarsStart
	case s == "server cvars end":
		e.Kind = CvarsEnd
	case cut(&s, `server_cvar: "`):
		e.Kind = Cvar
		var ok bool
		if e.Name, s, ok = strings.Cut(s, `" `); !ok {
			return false
		}
		return unquote(s, &e.Value)
	case cut(&s, `World triggered `):
		e.Kind = Triggered
		s, _ = properties(s)
		return unquote(s, &e.Name)
	case cut(&s, `Team "`):
		e.Kind = Triggered
		var ok bool
		if e.Team, s, ok = strings.Cut(s, `" triggered `); !ok {
			return false
		}
		s, _ = properties(s)
		return unquote(s, &e.Name)
	case cut(&s, `rcon from "`):
		return e.rcon(s)
	case cut(&s, `Kick: `):
		return e.kicked(s)
	case cut(&s, `Banid: `), cut(&s, `Addip: `):
		return e.banned(s)
	case cut(&s, `Log file started (file "`):
		e.Kind = LogStarted
		var ok bool
		e.Text, _, ok = strings.Cut(s, `"`)
		return ok
	case s == "Log file closed" || s == "Log file closed.":
		e.Kind = LogClosed
	case cut(&s, `[`):
		e.Kind = PluginOutput
		var ok bool
		e.Name, e.Text, ok = strings.Cut(s, `] `)
		return ok
	default:
		return false
	}
	return true
}

func (e *Event) rcon(s string) bool {
	address, rest, ok := strings.Cut(s, `": `)
	if !ok {
		return false
	}
	e.Address = address
	if cut(&rest, "command ") {
		e.Kind = Rcon
		return unquote(rest, &e.Text)
	}
	e.Kind = RconRefused
	return rest == "Bad Password"
}

// kicked parses `"Al<2><STEAM_1:0:123><>" was kicked by "Console" (message "")`.
func (e *Event) kicked(s string) bool {
	who, rest, ok := cutLast(s, `>" was kicked by "`)
	if !ok {
		return false
	}
	e.Kind = Kicked
	if e.By, rest, ok = strings.Cut(rest, `" (message `); ok {
		rest, ok = strings.CutSuffix(rest, ")")
		ok = ok && unquote(rest, &e.Text)
	} else {
		e.By, ok = strings.CutSuffix(e.By, `"`)
	}
	return ok && e.who(who)
}

// banned parses `"…" was banned "for 5.00 minutes" by "Console"` and bans by IP, where the IP address
// follows in parentheses.
func (e *Event) banned(s string) bool {
	who, rest, ok := cutLast(s, `>" was banned `)
	if !ok {
		return false
	}
	e.Kind = Banned
	cut(&rest, "by IP ")
	if i := strings.LastIndex(rest, ` (IP "`); i >= 0 {
		e.Address, rest = strings.TrimSuffix(rest[i+len(` (IP "`):], `")`), rest[:i]
	}
	long, by, ok := strings.Cut(rest, ` by `)
	if !ok || !unquote(long, &e.Text) || !unquote(by, &e.By) {
		return false
	}
	return e.who(who) || who == `"<><><` // the token of an address ban is empty
}

// who parses the token of a line that begins with another word. The caller has cut off the token's last
// bracket.
func (e *Event) who(s string) bool {
	p, ok := parseToken(strings.TrimPrefix(s, `"`) + ">")
	if ok {
		e.Player = &p
	}
	return ok
}

// cut removes a prefix from s.
func cut(s *string, prefix string) bool {
	rest, ok := strings.CutPrefix(*s, prefix)
	if ok {
		*s = rest
	}
	return ok
}

// cutLast cuts s around the last occurrence of sep.
func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// unquote removes the quotes at both ends of s. It allows more quotes between them.
func unquote(s string, into *string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	*into = s[1 : len(s)-1]
	return true
}

// properties removes `(key "value") (flag)` from the end of s.
func properties(s string) (rest, props string) {
	i := strings.LastIndex(s, `" (`)
	if i < 0 || !strings.HasSuffix(s, ")") {
		return s, ""
	}
	return s[:i+1], s[i+2:]
}
