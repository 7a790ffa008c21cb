package left4me

import (
	"fmt"
	"strconv"
	"strings"
)

// SettingKind is what sort of value a setting has, and so how people are asked
// for it.
type SettingKind string

// The kinds.
const (
	TextSetting   SettingKind = "text"   // one line
	SecretSetting SettingKind = "secret" // one line that not everybody shall see
	WordSetting   SettingKind = "word"   // letters, digits, _, - and .
	NumberSetting SettingKind = "number"
	SwitchSetting SettingKind = "switch" // on or off
	ChoiceSetting SettingKind = "choice"
	LongSetting   SettingKind = "long"  // text of several lines
	ListSetting   SettingKind = "list"  // several words
	LinesSetting  SettingKind = "lines" // several lines of text
)

// SettingInfo says all that there is to say of a setting: panel, command line,
// API and documentation have it from here.
type SettingInfo struct {
	Key     string // its name in JSON
	Flag    string // of the command line, without dashes; it may be repeated when the setting is a list
	Group   string // under which it stands in a form
	Label   string
	Help    string // sentences
	Default string // what is so when neither server nor blueprint say it, in words
	Example string // a value; of a list, one of them
	Sets    string // the variables, files or arguments of the game that come from it
	Kind    SettingKind
	// Min and Max bound a number; of text Max is the most bytes, of a list the most
	// entries.
	Min, Max int
	// Choices are the values of a choice, and suggestions for a word.
	Choices []Choice

	field func(*Settings) any // a pointer to the field
}

// Choice is a value that a setting may have.
type Choice struct {
	Value string
	Label string
	Cvar  string // what the game calls it, if that is something else
}

// The groups, in the order in which they stand.
const (
	GameSettings    = "Game"
	JoinSettings    = "Who finds it and who may join"
	WelcomeSettings = "Welcome"
	AdminSettings   = "Admins"
	RawSettings     = "Raw"
)

// Bounds that others need too.
const (
	MaxHostname = 127 // bytes; more does not fit the game's answer
	MaxSlots    = 32
	MaxCfgLines = 500
	MaxCfgLine  = 480 // bytes; the game's own limit is about 512
	MaxAdmins   = 200
)

// SettingInfos are all settings, in the order of a form.
func SettingInfos() []SettingInfo { return settingInfos }

// SettingOf returns what is to say of one setting.
func SettingOf(key string) (SettingInfo, bool) {
	for _, i := range settingInfos {
		if i.Key == key {
			return i, true
		}
	}
	return SettingInfo{}, false
}

// List reports whether the setting has several values, of which those of a server
// come to those of its blueprint.
func (i SettingInfo) List() bool { return i.Kind == ListSetting || i.Kind == LinesSetting }

var settingInfos = []SettingInfo{
	{
		Key: "hostname", Flag: "hostname", Group: GameSettings, Label: "Host name", Kind: TextSetting, Max: MaxHostname,
		Help:    "What players see in the server browser. It can't have quotation marks.",
		Default: "left4me and the name of the server", Example: "Bill's last stand", Sets: "`hostname`",
		field: func(s *Settings) any { return &s.Hostname },
	},
	{
		Key: "map", Flag: "map", Group: GameSettings, Label: "First map", Kind: WordSetting, Max: 64,
		Help:    "The map that it starts with. It is kept in lower case.",
		Default: "c1m1_hotel", Example: "c2m1_highway", Sets: "`+map`",
		field: func(s *Settings) any { return &s.Map },
	},
	{
		Key: "mode", Flag: "mode", Group: GameSettings, Label: "Mode", Kind: WordSetting, Max: 64,
		Help:    "The game mode; a mutation is a mode too. A lobby that connects brings its own.",
		Default: "the game's: coop", Example: "versus", Sets: "`mp_gamemode`",
		Choices: []Choice{
			{Value: "coop", Label: "Campaign"},
			{Value: "versus", Label: "Versus"},
			{Value: "survival", Label: "Survival"},
			{Value: "scavenge", Label: "Scavenge"},
			{Value: "realism", Label: "Realism"},
			{Value: "teamversus", Label: "Team versus"},
			{Value: "teamscavenge", Label: "Team scavenge"},
			{Value: "mutation12", Label: "Realism versus"},
			{Value: "mutation4", Label: "Hard Eight"},
			{Value: "community5", Label: "Death's Door"},
		},
		field: func(s *Settings) any { return &s.Mode },
	},
	{
		Key: "difficulty", Flag: "difficulty", Group: GameSettings, Label: "Difficulty", Kind: ChoiceSetting,
		Help:    "How hard a campaign is. Versus, survival and scavenge have none.",
		Default: "the game's: Normal", Example: "Hard", Sets: "`z_difficulty`",
		Choices: []Choice{
			{Value: "Easy", Label: "Easy"},
			{Value: "Normal", Label: "Normal"},
			{Value: "Hard", Label: "Advanced"},
			{Value: "Impossible", Label: "Expert"},
		},
		field: func(s *Settings) any { return &s.Difficulty },
	},
	{
		Key: "max_players", Flag: "max-players", Group: GameSettings, Label: "Player slots", Kind: NumberSetting, Min: 1, Max: MaxSlots,
		Help: "Client slots of the process, bots and infected among them. More people than the mode allows (4, or 8 in versus and " +
			"scavenge) need a plugin like l4dtoolz.",
		Default: "the game's: 18 slots, 4 or 8 people", Example: "8", Sets: "`-maxplayers`",
		field: func(s *Settings) any { return &s.MaxPlayers },
	},
	{
		Key: "tick", Flag: "tick", Group: GameSettings, Label: "Tick rate", Kind: NumberSetting, Min: 20, Max: 128,
		Help: "How often in a second the server computes the world, with the network rates that go with it. The game keeps to 30 " +
			"unless an overlay brings tickrate_enabler or l4dtoolz.",
		Default: "the game's: 30", Example: "60",
		Sets: "`-tickrate`, `sv_minrate`, `sv_maxrate`, `sv_mincmdrate`, `sv_maxcmdrate`, `sv_minupdaterate`, `sv_maxupdaterate`, " +
			"`net_splitpacket_maxrate`, above 30 also `fps_max`",
		field: func(s *Settings) any { return &s.Tick },
	},
	{
		Key: "region", Flag: "region", Group: JoinSettings, Label: "Region", Kind: ChoiceSetting,
		Help:    "Where in the world Steam lists it.",
		Default: "the game's: the world", Example: "europe", Sets: "`sv_region`",
		Choices: []Choice{
			{"us-east", "US East", "0"},
			{"us-west", "US West", "1"},
			{"south-america", "South America", "2"},
			{"europe", "Europe", "3"},
			{"asia", "Asia", "4"},
			{"australia", "Australia", "5"},
			{"middle-east", "Middle East", "6"},
			{"africa", "Africa", "7"},
			{"world", "The world", "255"},
		},
		field: func(s *Settings) any { return &s.Region },
	},
	{
		Key: "steam_groups", Flag: "steam-group", Group: JoinSettings, Label: "Steam groups", Kind: ListSetting, Max: 20,
		Help:    "Numbers of the Steam groups whose members see it among their group servers.",
		Default: "none", Example: "1234567", Sets: "`sv_steamgroup`",
		field: func(s *Settings) any { return &s.SteamGroups },
	},
	{
		Key: "steam_group_only", Flag: "steam-group-only", Group: JoinSettings, Label: "Only for its Steam groups", Kind: SwitchSetting,
		Help:    "While it is empty, only members of the groups can take it.",
		Default: "the game's: off", Example: "on", Sets: "`sv_steamgroup_exclusive`",
		field: func(s *Settings) any { return &s.SteamGroupOnly },
	},
	{
		Key: "lobby_only", Flag: "lobby-only", Group: JoinSettings, Label: "Only through lobbies", Kind: SwitchSetting,
		Help:    "Nobody can join by address, but only with a lobby. The game itself begins so.",
		Default: "off", Example: "on", Sets: "`sv_allow_lobby_connect_only`",
		field: func(s *Settings) any { return &s.LobbyOnly },
	},
	{
		Key: "password", Flag: "password", Group: JoinSettings, Label: "Password", Kind: SecretSetting, Max: 64,
		Help:    "Players need it to join. No lobby finds a server with a password. It can't have quotation marks or semicolons.",
		Default: "none", Example: "zoey", Sets: "`sv_password`",
		field: func(s *Settings) any { return &s.Password },
	},
	{
		Key: "tags", Flag: "tag", Group: JoinSettings, Label: "Tags", Kind: ListSetting, Max: 20,
		Help:    "Words that players can filter the server browser by; 127 bytes in all.",
		Default: "none", Example: "confogl", Sets: "`sv_tags`",
		field: func(s *Settings) any { return &s.Tags },
	},
	{
		Key: "motd", Flag: "motd", Group: WelcomeSettings, Label: "Message of the day", Kind: LongSetting, Max: 16 << 10,
		Help:    "What players read when they join: text, HTML, or nothing but the address of a page.",
		Default: "the game's", Example: "Be kind to bots.", Sets: "`left4me_motd.txt`, `motdfile`",
		field: func(s *Settings) any { return &s.Motd },
	},
	{
		Key: "host_text", Flag: "host-text", Group: WelcomeSettings, Label: "Host text", Kind: LongSetting, Max: 2 << 10,
		Help:    "What stands above the message of the day: text or HTML.",
		Default: "the host name", Example: "Bill's servers", Sets: "`left4me_host.txt`, `hostfile`",
		field: func(s *Settings) any { return &s.HostText },
	},
	{
		Key: "banner", Flag: "banner", Group: WelcomeSettings, Label: "Banner", Kind: TextSetting, Max: 255,
		Help:    "The address of a page that is shown in the place of the host text.",
		Default: "none", Example: "https://example.org/banner.html", Sets: "`left4me_host.txt`, `hostfile`",
		field: func(s *Settings) any { return &s.Banner },
	},
	{
		Key: "admins", Flag: "admin", Group: AdminSettings, Label: "Admins", Kind: LinesSetting, Max: MaxAdmins,
		Help: "Whom SourceMod lets do more, one a line: a Steam ID in any form, then SourceMod's flags or @ and a group, then # and " +
			"a note. An overlay's own admins_simple.ini is kept in front.",
		Default: "those of the overlays", Example: "STEAM_1:0:123 99:z # Zoey", Sets: "`addons/sourcemod/configs/admins_simple.ini`",
		field: func(s *Settings) any { return &s.Admins },
	},
	{
		Key: "cfg", Flag: "cfg", Group: RawSettings, Label: "Lines for server.cfg", Kind: LinesSetting, Max: MaxCfgLines,
		Help:    "One command a line, after everything else. What would take the server away from left4me is refused.",
		Default: "none", Example: "sv_voiceenable 1", Sets: "`server.cfg`",
		field: func(s *Settings) any { return &s.Cfg },
	},
	{
		Key: "args", Flag: "arg", Group: RawSettings, Label: "Arguments", Kind: LinesSetting, Max: 100,
		Help:    "Further arguments of srcds, one a line: an option and its value are two.",
		Default: "none", Example: "-nohltv", Sets: "the command line",
		field: func(s *Settings) any { return &s.Args },
	},
}

// Get returns the setting as text, as Set reads it: nothing when s doesn't say
// it, several only of a list.
func (i SettingInfo) Get(s Settings) []string {
	one := func(said bool, text string) []string {
		if !said {
			return nil
		}
		return []string{text}
	}
	switch v := i.field(&s).(type) {
	case *string:
		return one(*v != "", *v)
	case *int:
		return one(*v != 0, strconv.Itoa(*v))
	case **bool:
		return one(*v != nil, onOff(*v))
	case *[]string:
		return *v
	case *[]Admin:
		var all []string
		for _, a := range *v {
			all = append(all, a.String())
		}
		return all
	}
	return nil
}

// onOff is a switch as text.
func onOff(b *bool) string {
	if b != nil && *b {
		return "on"
	}
	return "off"
}

// Set changes the setting of s to what the values say; nothing, or one that is
// empty, means that s doesn't say it. Errors: Invalid with the field, when text
// can't be such a value at all; whether it is a good one is for others to check.
func (i SettingInfo) Set(s *Settings, values ...string) error {
	if len(values) == 1 && values[0] == "" {
		values = nil
	}
	if len(values) > 1 && !i.List() {
		return i.wrong("", NewError(Invalid, "setting.one_value"))
	}
	text := strings.Join(values, "") // of all but lists
	switch v := i.field(s).(type) {
	case *string:
		*v = text
	case *int:
		n, err := strconv.Atoi(text)
		if len(values) == 1 && (err != nil || n == 0) {
			return i.wrong("", NewError(Invalid, "setting.not_a_number", "value", truncate(text, 80), "least", i.Min, "most", i.Max))
		}
		*v = n
	case **bool:
		on := false
		switch strings.ToLower(text) {
		case "":
			*v = nil
			return nil
		case "on", "yes", "true", "1":
			on = true
		case "off", "no", "false", "0":
		default:
			return i.wrong("", NewError(Invalid, "setting.neither_on_nor_off", "value", truncate(text, 80)))
		}
		*v = &on
	case *[]string:
		*v = values
	case *[]Admin:
		*v = nil
		for n, line := range values {
			a, err := ParseAdmin(line)
			if e, ok := Public(err); ok {
				return i.wrong(fmt.Sprintf("[%d]", n), e)
			}
			*v = append(*v, a)
		}
	}
	return nil
}

func (i SettingInfo) wrong(index string, e *Error) error {
	return e.InField("settings." + i.Key + index)
}
