package left4me

import (
	"slices"
	"strings"
)

// Settings is the configuration of a server. The zero value of a field means "not set", so that the
// blueprint's value is used. SettingInfos describes each setting and its values.
type Settings struct {
	Hostname   string `json:"hostname,omitempty"`
	Map        string `json:"map,omitempty"`
	Mode       string `json:"mode,omitempty"`
	Difficulty string `json:"difficulty,omitempty"`
	MaxPlayers int    `json:"max_players,omitempty"`
	Tick       int    `json:"tick,omitempty"` // ticks per second

	Region         string   `json:"region,omitempty"`
	SteamGroups    []string `json:"steam_groups,omitempty"` // numbers of 32 or 64 bits
	SteamGroupOnly *bool    `json:"steam_group_only,omitempty"`
	LobbyOnly      *bool    `json:"lobby_only,omitempty"`
	Password       string   `json:"password,omitempty"`
	Tags           []string `json:"tags,omitempty"`

	Motd     string `json:"motd,omitempty"`
	HostText string `json:"host_text,omitempty"`
	Banner   string `json:"banner,omitempty"` // URL of a page shown in place of HostText

	Admins []Admin `json:"admins,omitempty"`

	Cfg  []string `json:"cfg,omitempty"`  // raw lines at the end of server.cfg
	Args []string `json:"args,omitempty"` // additional arguments of srcds
}

// Over returns s with unset fields taken from base. Lists are concatenated, base first. Duplicates
// are removed, except in raw lines and arguments, where order and repetition matter.
func (s Settings) Over(base Settings) Settings {
	out := base
	set(&out.Hostname, s.Hostname)
	set(&out.Map, s.Map)
	set(&out.Mode, s.Mode)
	set(&out.Difficulty, s.Difficulty)
	set(&out.MaxPlayers, s.MaxPlayers)
	set(&out.Tick, s.Tick)
	set(&out.Region, s.Region)
	set(&out.SteamGroupOnly, s.SteamGroupOnly)
	set(&out.LobbyOnly, s.LobbyOnly)
	set(&out.Password, s.Password)
	set(&out.Motd, s.Motd)
	if s.HostText != "" || s.Banner != "" { // both use the same place on the screen, so they are inherited together
		out.HostText, out.Banner = s.HostText, s.Banner
	}
	out.SteamGroups = union(base.SteamGroups, s.SteamGroups)
	out.Tags = union(base.Tags, s.Tags)
	out.Admins = admins(base.Admins, s.Admins)
	out.Cfg = slices.Concat(base.Cfg, s.Cfg)
	out.Args = slices.Concat(base.Args, s.Args)
	return out
}

// Normal returns s with map and mode names in lower case, as in the game's files, and with texts
// without leading byte order marks, which come from copied files.
func (s Settings) Normal() Settings {
	s.Map, s.Mode = MapName(Unmarked(s.Map)), MapName(Unmarked(s.Mode))
	for _, text := range []*string{&s.Hostname, &s.Password, &s.Motd, &s.HostText, &s.Banner} {
		*text = Unmarked(*text)
	}
	for _, all := range []*[]string{&s.SteamGroups, &s.Tags, &s.Cfg, &s.Args} {
		*all = UnmarkedLines(*all)
	}
	for i, a := range s.Admins {
		if id := Unmarked(a.ID); id != a.ID {
			s.Admins = slices.Clone(s.Admins)
			s.Admins[i].ID = id
		}
	}
	return s
}

// byteOrderMark is a mark at the beginning of some files that declares their encoding. It is
// invisible, but the game treats it as a letter.
const byteOrderMark = "\ufeff"

// Unmarked returns s without leading byte order marks.
func Unmarked(s string) string { return strings.TrimLeft(s, byteOrderMark) }

// UnmarkedLines removes leading byte order marks from each line. It does not modify all.
func UnmarkedLines(all []string) []string {
	for i, s := range all {
		if strings.HasPrefix(s, byteOrderMark) {
			all = slices.Clone(all)
			for ; i < len(all); i++ {
				all[i] = Unmarked(all[i])
			}
			return all
		}
	}
	return all
}

// MapName returns the name of a map or mode in lower case, as in the game's files. The game
// compares such names ignoring case, but Linux file systems, where it looks for maps and scripts,
// do not.
func MapName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func set[T comparable](dst *T, v T) {
	var zero T
	if v != zero {
		*dst = v
	}
}

func union(a, b []string) []string {
	var out []string
	for _, v := range slices.Concat(a, b) {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// Admin is a user with admin rights in SourceMod.
type Admin struct {
	ID    string `json:"id"`              // any form that ParseSteamID accepts
	Flags string `json:"flags,omitempty"` // SourceMod flags: letters with an optional immunity level: z, 99:z
	Group string `json:"group,omitempty"` // SourceMod group, instead of flags
	Note  string `json:"note,omitempty"`  // free-form description of the person
}

// ParseAdmin parses an admin from one line: an id, then flags or a group prefixed with @, then #
// and a note. String writes this format. ParseAdmin returns an error of kind Invalid if the id is
// missing; it does not check the fields.
func ParseAdmin(line string) (Admin, error) {
	rest, note, _ := strings.Cut(line, "#")
	id, rights, _ := strings.Cut(strings.TrimSpace(rest), " ")
	a := Admin{ID: id, Note: strings.TrimSpace(note)}
	rights = strings.TrimSpace(rights)
	if group, ok := strings.CutPrefix(rights, "@"); ok {
		a.Group = group
	} else {
		a.Flags = rights
	}
	if id == "" {
		return a, NewError(Invalid, "admin.no_steam_id")
	}
	return a, nil
}

func (a Admin) String() string {
	text := a.ID
	switch {
	case a.Flags != "":
		text += " " + a.Flags
	case a.Group != "":
		text += " @" + a.Group
	}
	if a.Note != "" {
		text += " # " + a.Note
	}
	return text
}

// admins merges two lists. A person in both has the rights from own.
func admins(base, own []Admin) []Admin {
	var out []Admin
	for _, a := range slices.Concat(base, own) {
		if i := slices.IndexFunc(out, func(b Admin) bool { return samePerson(a.ID, b.ID) }); i >= 0 {
			out[i] = a
		} else {
			out = append(out, a)
		}
	}
	return out
}

func samePerson(a, b string) bool {
	x, errA := ParseSteamID(a)
	y, errB := ParseSteamID(b)
	return a == b || errA == nil && errB == nil && x == y
}
