package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// values takes what was typed for a setting apart.
func (f Form) values(i left4me.SettingInfo) []string {
	text := f.Values[i.Key]
	switch {
	case i.Kind == left4me.ListSetting:
		return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ' ' || r == ',' })
	case i.Key == "admins":
		var lines []string
		for _, l := range format.CfgLines(text) {
			if l = strings.TrimSpace(l); l != "" {
				lines = append(lines, l)
			}
		}
		return lines
	case i.Kind == left4me.LinesSetting:
		return format.CfgLines(text)
	case strings.TrimSpace(text) == "":
		return nil
	}
	return []string{strings.TrimRight(text, "\n")}
}

// beneath is what the blueprint says of a setting, for people.
func (f Form) beneath(i left4me.SettingInfo) string {
	if f.Base.Name == "" {
		return ""
	}
	base := f.Base.Settings
	if !f.Secrets {
		base = base.Public()
	}
	return strings.Join(shownValues(i, i.Get(base)), ", ")
}

// shownValues writes choices as the form does.
func shownValues(i left4me.SettingInfo, values []string) []string {
	out := slices.Clone(values)
	for n, v := range out {
		for _, c := range i.Choices {
			if c.Value == v && i.Kind == left4me.ChoiceSetting {
				out[n] = c.Label
			}
		}
		out[n] = format.Visible(strings.ReplaceAll(out[n], "\n", " ⏎ "))
	}
	return out
}

// open is what stands for a setting that isn't said here.
func (f Form) open(i left4me.SettingInfo) string {
	switch b := f.beneath(i); {
	case b != "" && i.Kind == left4me.SecretSetting:
		return "from the blueprint"
	case b != "" && !i.List():
		return "from the blueprint: " + b
	}
	return i.Default
}

// hint is what is written beneath a field.
func (f Form) hint(i left4me.SettingInfo) string {
	hint := i.Help
	if i.Kind == left4me.NumberSetting {
		hint += fmt.Sprintf(" %d to %d.", i.Min, i.Max)
	}
	if b := f.beneath(i); b != "" && i.List() {
		return hint + " From the blueprint come: " + b + "."
	}
	if i.Kind == left4me.ChoiceSetting || i.Kind == left4me.SwitchSetting {
		return hint // its first choice says so
	}
	if i.Kind == left4me.LongSetting && f.beneath(i) != "" {
		return hint + " The blueprint has one."
	}
	if f.beneath(i) != "" {
		return hint // what is in the empty field says so
	}
	return hint + " Default: " + i.Default + "."
}

// problem is what is wrong with a field of the form.
func (f Form) problem(i left4me.SettingInfo) string { return f.Problems["settings."+i.Key] }

// settingGroup is a part of the form.
type settingGroup struct {
	Title    string
	Settings []left4me.SettingInfo
	Open     bool // something in it is said, here or beneath, or wrong
}

func (f Form) groups() []settingGroup {
	var all []settingGroup
	for _, i := range left4me.SettingInfos() {
		if len(all) == 0 || all[len(all)-1].Title != i.Group {
			all = append(all, settingGroup{Title: i.Group, Open: i.Group == left4me.GameSettings})
		}
		g := &all[len(all)-1]
		g.Settings = append(g.Settings, i)
		g.Open = g.Open || f.Values[i.Key] != "" || f.beneath(i) != "" || f.problem(i) != ""
	}
	return all
}

// rowsOf is how high a text field is.
func rowsOf(i left4me.SettingInfo, text string) string {
	least := 3
	if i.Kind == left4me.ListSetting {
		least = 2
	}
	return strconv.Itoa(min(max(strings.Count(text, "\n")+2, least), 16))
}

// exampleOf stands in an empty text field.
func exampleOf(i left4me.SettingInfo) string {
	if i.Kind == left4me.LongSetting {
		return ""
	}
	return i.Example
}
