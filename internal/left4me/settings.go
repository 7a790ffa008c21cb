package left4me

import (
	"slices"
	"strings"
)

// Settings are what a server is configured with. The zero value of a field means
// "not said here", so that a server's own settings go over its blueprint's.
// SettingInfos says of each what it does and which values it may have.
type Settings struct {
	Hostname   string `json:"hostname,omitempty"`
	Map        string `json:"map,omitempty"`
	Mode       string `json:"mode,omitempty"`
	Difficulty string `json:"difficulty,omitempty"`
	MaxPlayers int    `json:"max_players,omitempty"`
	Tick       int    `json:"tick,omitempty"` // a second

	Region         string   `json:"region,omitempty"`
	SteamGroups    []string `json:"steam_groups,omitempty"` // numbers, of 32 or 64 bits
	SteamGroupOnly *bool    `json:"steam_group_only,omitempty"`
	LobbyOnly      *bool    `json:"lobby_only,omitempty"`
	Password       string   `json:"password,omitempty"`
	Tags           []string `json:"tags,omitempty"`

	Motd     string `json:"motd,omitempty"`
	HostText string `json:"host_text,omitempty"`
	Banner   string `json:"banner,omitempty"` // address of a page that stands where HostText would

	Admins []Admin `json:"admins,omitempty"`

	Cfg  []string `json:"cfg,omitempty"`  // raw lines at the end of server.cfg
	Args []string `json:"args,omitempty"` // further arguments of srcds
}

// Over returns s with everything that it leaves open taken from base. Lists of
// both are kept, that of base first: what both have is there once, except raw
// lines and arguments, whose order and number mean something.
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
	if s.HostText != "" || s.Banner != "" { // one place, whoever names what stands there
		out.HostText, out.Banner = s.HostText, s.Banner
	}
	out.SteamGroups = union(base.SteamGroups, s.SteamGroups)
	out.Tags = union(base.Tags, s.Tags)
	out.Admins = admins(base.Admins, s.Admins)
	out.Cfg = slices.Concat(base.Cfg, s.Cfg)
	out.Args = slices.Concat(base.Args, s.Args)
	return out
}

// Normal returns s with names as the game's files have them, and texts without the
// byte order marks with which files begin that they were copied from.
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

// byteOrderMark says at the beginning of a text how its characters are written.
// Nobody sees it, and the game takes it for a letter.
const byteOrderMark = "\ufeff"

// Unmarked is a text without byte order marks in front.
func Unmarked(s string) string { return strings.TrimLeft(s, byteOrderMark) }

// UnmarkedLines does the same to each line; all itself stays as it is.
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

// MapName writes the name of a map or of a mode in lower case, as the files of the
// game have them. The game compares such names without regard to case, but the
// file system of Linux, where it looks for maps and scripts, does not.
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

// Admin is somebody whom SourceMod lets do more than others.
type Admin struct {
	ID    string `json:"id"`              // anything that ParseSteamID reads
	Flags string `json:"flags,omitempty"` // of SourceMod: letters, with an immunity in front or not: z, 99:z
	Group string `json:"group,omitempty"` // of SourceMod, instead of flags
	Note  string `json:"note,omitempty"`  // who it is, in people's words
}

// ParseAdmin reads an admin from one line: an id, then flags or a group with @ in
// front, then # and a note. It is what String writes. Errors: Invalid, when there
// is no id; what is in the fields is for others to check.
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

// admins are those of both. Somebody who is in both lists has the rights of the
// second.
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
