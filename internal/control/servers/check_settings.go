package servers

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// CheckCfg validates raw lines for server.cfg; field is the field they belong to. Errors:
// left4me.Fields of left4me.Invalid.
func CheckCfg(field string, lines []string) error {
	var f fields
	f.cfg(field, lines)
	return f.err()
}

// settings checks each setting by its kind, or by rules of its own.
func (f *fields) settings(v left4me.Settings) {
	for _, i := range left4me.SettingInfos() {
		field, values := "settings."+i.Key, i.Get(v)
		if i.List() && len(values) > i.Max {
			f.add(field, left4me.NewError(left4me.Invalid, "settings.too_many", "count", len(values), "limit", i.Max))
			continue
		}
		switch i.Key {
		case "tags":
			f.tags(field, values)
		case "steam_groups":
			f.groups(field, values)
		case "admins":
			f.admins(field, v.Admins)
		case "cfg":
			f.cfg(field, values)
		case "args":
			for n, a := range values {
				f.arg(at(field, n), a)
			}
		default:
			if len(values) == 1 {
				f.value(field, i, values[0])
			}
		}
	}
	if v.Banner != "" {
		f.address("settings.banner", v.Banner)
	}
}

// at returns the field name of a list entry.
func at(field string, n int) string { return fmt.Sprintf("%s[%d]", field, n) }

// value checks a setting with a single value.
func (f *fields) value(field string, i left4me.SettingInfo, s string) {
	switch i.Kind {
	case left4me.WordSetting:
		f.word(field, s)
	case left4me.NumberSetting:
		var n int
		if _, err := fmt.Sscan(s, &n); err != nil || n < i.Min || n > i.Max {
			f.add(field, left4me.NewError(left4me.Invalid, "settings.out_of_range", "value", s, "least", i.Min, "most", i.Max))
		}
	case left4me.ChoiceSetting:
		f.choice(field, i, s)
	case left4me.LongSetting:
		f.long(field, s, i.Max)
	case left4me.TextSetting, left4me.SecretSetting:
		f.line(field, s, i.Max)
		if strings.Contains(s, `"`) {
			f.add(field, left4me.NewError(left4me.Invalid, "settings.quotation_mark"))
		}
		if i.Kind == left4me.SecretSetting && strings.Contains(s, ";") {
			f.add(field, left4me.NewError(left4me.Invalid, "settings.semicolon"))
		}
	}
}

func (f *fields) choice(field string, i left4me.SettingInfo, s string) {
	values := make([]string, len(i.Choices))
	for n, c := range i.Choices {
		values[n] = c.Value
	}
	if !slices.Contains(values, s) {
		last := len(values) - 1
		f.add(field,
			left4me.NewError(left4me.Invalid, "settings.no_such_choice", "setting", strings.ToLower(i.Label), "value", s, "known",
				strings.Join(values[:last], ", "), "last", values[last]))
	}
}

// long checks text that becomes a file.
func (f *fields) long(field, s string, most int) {
	switch {
	case len(s) > most:
		f.add(field, left4me.NewError(left4me.Invalid, "settings.too_long", "limit", most))
	case !utf8.ValidString(s):
		f.add(field, left4me.NewError(left4me.Invalid, "field.not_utf8"))
	case strings.ContainsFunc(s, func(r rune) bool { return control(r) && r != '\n' && r != '\r' && r != '\t' }):
		f.add(field, left4me.NewError(left4me.Invalid, "settings.control_character"))
	}
}

// tags checks tags, which the game gets as one comma-separated value.
func (f *fields) tags(field string, tags []string) {
	for n, t := range tags {
		switch {
		case t == "":
			f.add(at(field, n), left4me.NewError(left4me.Invalid, "settings.tag_empty"))
		case strings.ContainsAny(t, "\" ,;"):
			f.add(at(field, n), left4me.NewError(left4me.Invalid, "settings.tag_invalid", "tag", t))
		default:
			f.line(at(field, n), t, 127)
		}
	}
	if len(strings.Join(tags, ",")) > 127 {
		f.add(field, left4me.NewError(left4me.Invalid, "settings.tags_too_long"))
	}
}

func (f *fields) groups(field string, groups []string) {
	for n, g := range groups {
		_, err := left4me.ParseSteamGroup(g)
		f.public(at(field, n), err)
	}
}

// public adds err if it is a public error.
func (f *fields) public(field string, err error) {
	if e, ok := left4me.Public(err); ok {
		f.add(field, e)
	}
}

func (f *fields) admins(field string, admins []left4me.Admin) {
	for n, a := range admins {
		field := at(field, n)
		if len(a.ID) > 100 {
			f.add(field, left4me.NewError(left4me.Invalid, "admin.steam_id_too_long"))
			continue
		}
		_, err := left4me.ParseSteamID(a.ID)
		f.public(field, err)
		f.line(field, a.Note, 100)
		switch {
		case a.Flags == "" && a.Group == "":
			f.add(field, left4me.NewError(left4me.Invalid, "admin.neither_flags_nor_group"))
		case a.Flags != "" && a.Group != "":
			f.add(field, left4me.NewError(left4me.Invalid, "admin.flags_and_group"))
		case a.Group != "":
			f.line(field, a.Group, 64)
			if strings.ContainsAny(a.Group, "\"#;/\\") || strings.TrimSpace(a.Group) != a.Group {
				f.add(field, left4me.NewError(left4me.Invalid, "admin.group_invalid", "group", a.Group))
			}
		case !adminFlags(a.Flags):
			f.add(field, left4me.NewError(left4me.Invalid, "admin.flags_invalid", "flags", a.Flags))
		}
	}
}

// adminFlags reports whether s is a list of flag letters, optionally preceded by an immunity level
// and a colon.
func adminFlags(s string) bool {
	immunity, letters, ok := strings.Cut(s, ":")
	if !ok {
		letters = s
	} else if len(immunity) < 1 || len(immunity) > 2 || strings.Trim(immunity, "0123456789") != "" {
		return false
	}
	return letters != "" && len(letters) <= 26 && strings.Trim(letters, "abcdefghijklmnopqrstz") == ""
}

// address checks the URL of a web page, which is written to a file without other text.
func (f *fields) address(field, s string) {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	if !ok || rest == "" || strings.ContainsAny(s, " \t<>\\") {
		f.add(field, left4me.NewError(left4me.Invalid, "settings.address_invalid", "address", s))
	}
}

// cfg checks raw lines. Any game command is allowed, one line each, except those that left4me must
// control itself.
func (f *fields) cfg(field string, lines []string) {
	if len(lines) > left4me.MaxCfgLines {
		f.add(field, left4me.NewError(left4me.Invalid, "settings.too_many_lines", "limit", left4me.MaxCfgLines))
		return
	}
	for n, l := range lines {
		f.line(at(field, n), strings.ReplaceAll(l, "\t", " "), maxCfgLine)
		if name, why := left4me.CfgTaken(l); why != nil {
			f.add(at(field, n), left4me.NewError(left4me.Invalid, "settings.command_not_possible", "command", name, "reason", why))
		}
	}
}

// arg checks an argument for srcds. The game joins its arguments and splits them again, so that
// quotation marks and spaces can turn one argument into several.
func (f *fields) arg(field, s string) {
	f.line(field, s, maxCfgLine)
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '"' }) {
		word = strings.ToLower(word)
		var why *left4me.Error
		if command, ok := strings.CutPrefix(word, "+"); ok {
			if _, why = left4me.CfgTaken(command); command == "map" {
				why = nil // at the start, it runs once
			}
		}
		if why != nil || slices.Contains(reserved, word) {
			f.add(field, left4me.NewError(left4me.Invalid, "settings.argument_of_left4me", "argument", word))
		}
	}
}
