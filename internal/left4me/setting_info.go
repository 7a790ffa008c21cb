package left4me

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/locale"
)

// SettingKind is the type of a setting's value. It determines the form control and the
// validation.
type SettingKind string

// The kinds.
const (
	TextSetting   SettingKind = "text"   // one line
	SecretSetting SettingKind = "secret" // one line, hidden from users without edit rights
	WordSetting   SettingKind = "word"   // letters, digits, _, - and .
	NumberSetting SettingKind = "number"
	SwitchSetting SettingKind = "switch" // on or off
	ChoiceSetting SettingKind = "choice"
	LongSetting   SettingKind = "long"  // text of several lines
	ListSetting   SettingKind = "list"  // several words
	LinesSetting  SettingKind = "lines" // several lines of text
)

// SettingInfo describes a setting. The panel, the command line, the API and
// docs/settings.md all use it. Its texts are in package locale under setting.KEY.
type SettingInfo struct {
	Key     string // name in JSON
	Flag    string // flag of the command line, without dashes; repeatable if the setting is a list
	Group   SettingGroup
	Label   string
	Help    string // sentences
	Default string // effective value if neither the server nor its blueprint sets it; a phrase
	Example string // a valid value; for a list, one entry
	Sets    string // the game's variables, files or arguments that the setting writes
	Kind    SettingKind
	// Min and Max are the bounds of a number. For text Max is the limit in bytes, for a
	// list the limit in entries.
	Min, Max int
	// Choices are the values of a ChoiceSetting, and suggestions for a WordSetting.
	Choices []Choice

	field func(*Settings) any // a pointer to the field
}

// Choice is a possible value of a setting.
type Choice struct {
	Value string
	Label string
	Cvar  string // the game's value, if it differs from Value
}

// SettingGroup is a section of a form of settings.
type SettingGroup string

// The groups, in the order of a form.
const (
	GameSettings    SettingGroup = "game"
	JoinSettings    SettingGroup = "join"
	WelcomeSettings SettingGroup = "welcome"
	AdminSettings   SettingGroup = "admins"
	RawSettings     SettingGroup = "raw"
)

// Title returns the heading of the group.
func (g SettingGroup) Title(p *locale.Printer) string {
	return locale.M("setting_group." + string(g)).In(p)
}

// Bounds that other packages check too.
const (
	MaxHostname = 127 // bytes; the game's query answer has no room for more
	MaxSlots    = 32
	MaxCfgLines = 500
	MaxCfgLine  = 480 // bytes; the game's own limit is about 512
	MaxAdmins   = 200
)

// SettingInfos returns all settings in the order of a form, with English texts. The caller
// must not change the slice.
func SettingInfos() []SettingInfo { return englishSettings() }

// english has the settings with their English texts. It is filled on first use and is static data
// before, so that processes without settings, such as the root helper, don't pay for the catalogue.
var english struct {
	once     sync.Once
	settings []SettingInfo
}

func englishSettings() []SettingInfo {
	english.once.Do(func() {
		english.settings = slices.Clone(settingInfos)
		for n, i := range english.settings {
			english.settings[n] = i.In(locale.English)
		}
	})
	return english.settings
}

// SettingOf returns the setting with the given key, with English texts.
func SettingOf(key string) (SettingInfo, bool) {
	for _, i := range englishSettings() {
		if i.Key == key {
			return i, true
		}
	}
	return SettingInfo{}, false
}

// In returns the setting with its texts and those of its choices in another language.
func (i SettingInfo) In(p *locale.Printer) SettingInfo {
	i.Label = locale.M("setting." + i.Key + ".label").In(p)
	i.Help = locale.M("setting." + i.Key + ".help").In(p)
	i.Default = locale.M("setting." + i.Key + ".default").In(p)
	i.Choices = slices.Clone(i.Choices)
	for n, c := range i.Choices {
		i.Choices[n].Label = locale.M("setting." + i.Key + ".choice." + c.Value).In(p)
	}
	return i
}

// List reports whether the setting has several values. The values of a server are added to
// those of its blueprint.
func (i SettingInfo) List() bool { return i.Kind == ListSetting || i.Kind == LinesSetting }

var settingInfos = []SettingInfo{
	{
		Key: "hostname", Flag: "hostname", Group: GameSettings, Kind: TextSetting, Max: MaxHostname,
		Example: "Bill's last stand", Sets: "`hostname`",
		field: func(s *Settings) any { return &s.Hostname },
	},
	{
		Key: "map", Flag: "map", Group: GameSettings, Kind: WordSetting, Max: 64,
		Example: "c2m1_highway", Sets: "`+map`",
		field: func(s *Settings) any { return &s.Map },
	},
	{
		Key: "mode", Flag: "mode", Group: GameSettings, Kind: WordSetting, Max: 64,
		Example: "versus", Sets: "`mp_gamemode`",
		Choices: []Choice{
			{Value: "coop"},
			{Value: "versus"},
			{Value: "survival"},
			{Value: "scavenge"},
			{Value: "realism"},
			{Value: "teamversus"},
			{Value: "teamscavenge"},
			{Value: "mutation12"},
			{Value: "mutation4"},
			{Value: "community5"},
		},
		field: func(s *Settings) any { return &s.Mode },
	},
	{
		Key: "difficulty", Flag: "difficulty", Group: GameSettings, Kind: ChoiceSetting,
		Example: "Hard", Sets: "`z_difficulty`",
		Choices: []Choice{
			{Value: "Easy"},
			{Value: "Normal"},
			{Value: "Hard"},
			{Value: "Impossible"},
		},
		field: func(s *Settings) any { return &s.Difficulty },
	},
	{
		Key: "max_players", Flag: "max-players", Group: GameSettings, Kind: NumberSetting, Min: 1, Max: MaxSlots,
		Example: "8", Sets: "`-maxplayers`",
		field: func(s *Settings) any { return &s.MaxPlayers },
	},
	{
		Key: "tick", Flag: "tick", Group: GameSettings, Kind: NumberSetting, Min: 20, Max: 128,
		Example: "60",
		Sets: "`-tickrate`, `sv_minrate`, `sv_maxrate`, `sv_mincmdrate`, `sv_maxcmdrate`, `sv_minupdaterate`, `sv_maxupdaterate`, " +
			"`net_splitpacket_maxrate`, above 30 also `fps_max`",
		field: func(s *Settings) any { return &s.Tick },
	},
	{
		Key: "region", Flag: "region", Group: JoinSettings, Kind: ChoiceSetting,
		Example: "europe", Sets: "`sv_region`",
		Choices: []Choice{
			{Value: "us-east", Cvar: "0"},
			{Value: "us-west", Cvar: "1"},
			{Value: "south-america", Cvar: "2"},
			{Value: "europe", Cvar: "3"},
			{Value: "asia", Cvar: "4"},
			{Value: "australia", Cvar: "5"},
			{Value: "middle-east", Cvar: "6"},
			{Value: "africa", Cvar: "7"},
			{Value: "world", Cvar: "255"},
		},
		field: func(s *Settings) any { return &s.Region },
	},
	{
		Key: "steam_groups", Flag: "steam-group", Group: JoinSettings, Kind: ListSetting, Max: 20,
		Example: "1234567", Sets: "`sv_steamgroup`",
		field: func(s *Settings) any { return &s.SteamGroups },
	},
	{
		Key: "steam_group_only", Flag: "steam-group-only", Group: JoinSettings, Kind: SwitchSetting,
		Example: "on", Sets: "`sv_steamgroup_exclusive`",
		field: func(s *Settings) any { return &s.SteamGroupOnly },
	},
	{
		Key: "lobby_only", Flag: "lobby-only", Group: JoinSettings, Kind: SwitchSetting,
		Example: "on", Sets: "`sv_allow_lobby_connect_only`",
		field: func(s *Settings) any { return &s.LobbyOnly },
	},
	{
		Key: "password", Flag: "password", Group: JoinSettings, Kind: SecretSetting, Max: 64,
		Example: "zoey", Sets: "`sv_password`",
		field: func(s *Settings) any { return &s.Password },
	},
	{
		Key: "tags", Flag: "tag", Group: JoinSettings, Kind: ListSetting, Max: 20,
		Example: "confogl", Sets: "`sv_tags`",
		field: func(s *Settings) any { return &s.Tags },
	},
	{
		Key: "motd", Flag: "motd", Group: WelcomeSettings, Kind: LongSetting, Max: 16 << 10,
		Example: "Be kind to bots.", Sets: "`left4me_motd.txt`, `motdfile`",
		field: func(s *Settings) any { return &s.Motd },
	},
	{
		Key: "host_text", Flag: "host-text", Group: WelcomeSettings, Kind: LongSetting, Max: 2 << 10,
		Example: "Bill's servers", Sets: "`left4me_host.txt`, `hostfile`",
		field: func(s *Settings) any { return &s.HostText },
	},
	{
		Key: "banner", Flag: "banner", Group: WelcomeSettings, Kind: TextSetting, Max: 255,
		Example: "https://example.org/banner.html", Sets: "`left4me_host.txt`, `hostfile`",
		field: func(s *Settings) any { return &s.Banner },
	},
	{
		Key: "admins", Flag: "admin", Group: AdminSettings, Kind: LinesSetting, Max: MaxAdmins,
		Example: "STEAM_1:0:123 99:z # Zoey", Sets: "`addons/sourcemod/configs/admins_simple.ini`",
		field: func(s *Settings) any { return &s.Admins },
	},
	{
		Key: "cfg", Flag: "cfg", Group: RawSettings, Kind: LinesSetting, Max: MaxCfgLines,
		Example: "sv_voiceenable 1", Sets: "`server.cfg`",
		field: func(s *Settings) any { return &s.Cfg },
	},
	{
		Key: "args", Flag: "arg", Group: RawSettings, Kind: LinesSetting, Max: 100,
		Example: "-nohltv", Sets: "the command line",
		field: func(s *Settings) any { return &s.Args },
	},
}

// Get returns the setting in the form that Set accepts: no values if s does
// not set it, and more than one only for a list.
func (i SettingInfo) Get(s Settings) []string {
	one := func(set bool, text string) []string {
		if !set {
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

// onOff returns the text form of a switch.
func onOff(b *bool) string {
	if b != nil && *b {
		return "on"
	}
	return "off"
}

// Set parses values and stores them in s. No value, or a single empty one, unsets the
// setting. It returns Invalid with the field if a value cannot be parsed; the caller must
// check bounds and choices.
func (i SettingInfo) Set(s *Settings, values ...string) error {
	if len(values) == 1 && values[0] == "" {
		values = nil
	}
	if len(values) > 1 && !i.List() {
		return i.wrong("", NewError(Invalid, "setting.one_value"))
	}
	text := strings.Join(values, "") // for all kinds but lists
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
