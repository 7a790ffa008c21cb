package instance

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Paths of the generated files in the config layer.
const (
	serverCfg = "left4dead2/cfg/server.cfg"
	motdFile  = "left4dead2/left4me_motd.txt"
	hostFile  = "left4dead2/left4me_host.txt"
)

// Config returns the generated files of a server by their path in the config layer: server.cfg, which
// the game executes at each map change, the files it refers to, and SourceMod's list of admins.
// server.cfg contains the settings, then each overlay's cfg and lines from bottom to top, then the
// lines of the blueprint and the server. Later lines override earlier ones. rcon is the RCON password;
// it comes last, so that no line can lock left4me out.
func Config(spec left4me.Spec, lower Lower, rcon string) map[string]string {
	files := map[string]string{}
	c := &cfgFile{}
	c.comment("Written by left4me for server %s%s at its start: changes here are lost.", spec.Name, blueprintOf(spec))
	c.comment("What the server and its blueprint set.")
	c.settings(spec.Settings, files)
	for i := len(spec.Overlays) - 1; i >= 0; i-- {
		o := spec.Overlays[i]
		file, lines := lower.Cfgs[o.Name], spec.OverlayCfg[o.Name]
		if file == "" && len(lines) == 0 {
			continue
		}
		c.comment("Overlay %s.", o)
		if file != "" {
			c.line("exec " + file)
		}
		c.raw(lines)
	}
	if len(spec.BlueprintCfg) > 0 {
		c.comment("Lines of the blueprint%s.", ofBlueprint(spec))
		c.raw(spec.BlueprintCfg)
	}
	if len(spec.Settings.Cfg) > 0 {
		c.comment("Lines of the server.")
		c.raw(spec.Settings.Cfg)
	}
	c.comment("left4me's own.")
	c.cvar("rcon_password", rcon)
	files[serverCfg] = c.String()
	if admins := adminsFile(spec, lower); admins != "" {
		files[adminsPath] = admins
	}
	return files
}

func blueprintOf(spec left4me.Spec) string {
	if spec.Blueprint == "" {
		return ""
	}
	return fmt.Sprintf(" on blueprint %s", spec.Blueprint)
}

func ofBlueprint(spec left4me.Spec) string {
	if spec.Blueprint == "" {
		return ""
	}
	return " " + string(spec.Blueprint)
}

// cfgFile builds a cfg file.
type cfgFile struct{ strings.Builder }

// settings writes the typed settings, and adds the files that they refer to.
func (c *cfgFile) settings(st left4me.Settings, files map[string]string) {
	c.cvar("hostname", st.Hostname)
	c.cvar("mp_gamemode", bareWord(st.Mode))
	c.cvar("z_difficulty", chosen("difficulty", st.Difficulty))
	c.cvar("sv_region", chosen("region", st.Region))
	c.cvar("sv_steamgroup", groups(st.SteamGroups))
	c.onOff("sv_steamgroup_exclusive", st.SteamGroupOnly)
	lobby := st.LobbyOnly
	if lobby == nil {
		// By default, players can join by address only if a lobby has reserved the server.
		lobby = new(bool)
	}
	c.onOff("sv_allow_lobby_connect_only", lobby)
	c.cvar("sv_password", strings.ReplaceAll(st.Password, ";", ""))
	c.cvar("sv_tags", strings.Join(st.Tags, ","))
	c.rates(st.Tick)
	if text := hostText(st); text != "" {
		files[hostFile] = text
		c.cvar("hostfile", "left4me_host.txt")
	}
	if st.Motd != "" {
		files[motdFile] = textFile(st.Motd)
		c.cvar("motdfile", "left4me_motd.txt")
	}
}

// rates writes the rates that match a tick rate, so that clients can send and receive at that rate.
func (c *cfgFile) rates(tick int) {
	if tick <= 0 {
		return
	}
	rate, bytes := strconv.Itoa(tick), strconv.Itoa(tick*1000)
	for _, name := range []string{"sv_minrate", "sv_maxrate"} {
		c.cvar(name, bytes)
	}
	for _, name := range []string{"sv_mincmdrate", "sv_maxcmdrate", "sv_minupdaterate", "sv_maxupdaterate"} {
		c.cvar(name, rate)
	}
	c.cvar("net_splitpacket_maxrate", strconv.Itoa(tick*500))
	if tick > 30 {
		c.cvar("fps_max", "0") // otherwise the frame rate limits the tick rate
	}
}

func (c *cfgFile) line(text string) { c.WriteString(text + "\n") }

func (c *cfgFile) comment(format string, args ...any) {
	c.line("// " + oneLine(fmt.Sprintf(format, args...)))
}

// raw writes lines that were checked when they were entered. As a safeguard, each is reduced to one
// line again, and lines that would take control of the server from left4me are omitted.
func (c *cfgFile) raw(lines []string) {
	for _, l := range lines {
		l = oneLine(l)
		if name, why := left4me.CfgTaken(l); why != nil {
			c.comment("left4me left out a line with %s: %s.", name, why.Text)
			continue
		}
		c.line(l)
	}
}

// cvar writes one setting, unless it is empty. The value was checked when it was entered. As a
// safeguard, forbidden characters are removed again, because the rest of the line would be a command.
func (c *cfgFile) cvar(name, value string) {
	if value = left4me.CfgValue(value); value != "" {
		c.line(fmt.Sprintf("%s \"%s\"", name, value))
	}
}

func (c *cfgFile) onOff(name string, on *bool) {
	switch {
	case on == nil:
	case *on:
		c.cvar(name, "1")
	default:
		c.cvar(name, "0")
	}
}

// chosen returns the game's value for a choice, or "" if the choice is unknown.
func chosen(key, value string) string {
	info, _ := left4me.SettingOf(key)
	for _, c := range info.Choices {
		switch {
		case c.Value != value:
		case c.Cvar != "":
			return c.Cvar
		default:
			return c.Value
		}
	}
	return ""
}

// groups converts Steam group IDs to the 32-bit numbers that the game expects.
func groups(texts []string) string {
	var all []string
	for _, t := range texts {
		if n, err := left4me.ParseSteamGroup(t); err == nil {
			all = append(all, strconv.FormatUint(uint64(n), 10))
		}
	}
	return strings.Join(all, ",")
}

// hostText returns the text above the message of the day: the address of a page, a text, or the
// server's name.
func hostText(st left4me.Settings) string {
	for _, text := range []string{st.Banner, st.HostText, st.Hostname} {
		if text != "" {
			return textFile(text)
		}
	}
	return ""
}

// textFile returns a text with Unix line ends and one line feed at the end.
func textFile(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n") + "\n"
}

// oneLine replaces control characters except tabs with spaces.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' {
			return ' '
		}
		return r
	}, text)
}

// bareWord returns s if it needs no quotation marks on a command line, otherwise "".
func bareWord(s string) string {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || i > 0 && (c == '-' || c == '.') {
			continue
		}
		return ""
	}
	return s
}

// Args returns the arguments of srcds for a server.
func Args(spec left4me.Spec) []string {
	st := spec.Settings
	args := []string{
		"-game", "left4dead2", "-console",
		// Without an address, RCON may listen on the wrong one.
		"-ip", "0.0.0.0",
		"-port", fmt.Sprint(spec.Port),
		"-strictportbind",
		"-norestart",
	}
	if st.MaxPlayers > 0 {
		args = append(args, "-maxplayers", fmt.Sprint(st.MaxPlayers))
	}
	if st.Tick > 0 {
		args = append(args, "-tickrate", fmt.Sprint(st.Tick))
	}
	args = append(args, st.Args...)
	if mode := bareWord(st.Mode); mode != "" {
		args = append(args, "+mp_gamemode", mode)
	}
	first := bareWord(st.Map)
	if first == "" {
		first = "c1m1_hotel"
	}
	return append(args, "+map", first)
}
