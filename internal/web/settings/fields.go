package settings

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// values splits the input for a setting into its values.
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

// inherited returns the blueprint's value of a setting as text to display.
func (f Form) inherited(i left4me.SettingInfo) string {
	if f.Base.Name == "" {
		return ""
	}
	base := f.Base.Settings
	if !f.Secrets {
		base = base.Public()
	}
	return strings.Join(shownValues(i, i.Get(base)), ", ")
}

// shownValues returns values as text to display, choices by their labels.
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

// placeholder returns the value that applies while the field is empty.
func (f Form) placeholder(ctx context.Context, i left4me.SettingInfo) string {
	switch b := f.inherited(i); {
	case b != "" && i.Kind == left4me.SecretSetting:
		return locale.T(ctx, "settings.from_blueprint.secret")
	case b != "" && !i.List():
		return locale.T(ctx, "settings.from_blueprint", "value", b)
	}
	return i.Default
}

// emptyChoice returns the label of the option that leaves a setting unset.
func (f Form) emptyChoice(ctx context.Context, i left4me.SettingInfo) string {
	if f.inherited(i) != "" {
		return f.placeholder(ctx, i)
	}
	return locale.T(ctx, "settings.default", "value", i.Default)
}

// hint returns the text below a field.
func (f Form) hint(ctx context.Context, i left4me.SettingInfo) string {
	hint := i.Help
	if i.Kind == left4me.NumberSetting {
		hint = locale.T(ctx, "settings.hint.bounds", "help", hint, "min", i.Min, "max", i.Max)
	}
	if b := f.inherited(i); b != "" && i.List() {
		return locale.T(ctx, "settings.hint.blueprint_list", "help", hint, "values", b)
	}
	if i.Kind == left4me.ChoiceSetting || i.Kind == left4me.SwitchSetting {
		return hint // the first option names the default
	}
	if i.Kind == left4me.LongSetting && f.inherited(i) != "" {
		return locale.T(ctx, "settings.hint.blueprint_text", "help", hint)
	}
	if f.inherited(i) != "" {
		return hint // the placeholder shows the blueprint's value
	}
	return locale.T(ctx, "settings.hint.default", "help", hint, "value", i.Default)
}

// problem returns the error message of a field, if any.
func (f Form) problem(i left4me.SettingInfo) string { return f.Problems["settings."+i.Key] }

// settingGroup is a section of the form.
type settingGroup struct {
	Group    left4me.SettingGroup
	Settings []left4me.SettingInfo // settings with texts in the user's language
	Open     bool                  // a setting of the group has a value, inherits one, or has an error
}

func (f Form) groups(ctx context.Context) []settingGroup {
	var all []settingGroup
	for _, i := range left4me.SettingInfos() {
		if len(all) == 0 || all[len(all)-1].Group != i.Group {
			all = append(all, settingGroup{Group: i.Group, Open: i.Group == left4me.GameSettings})
		}
		i = i.In(locale.From(ctx))
		g := &all[len(all)-1]
		g.Settings = append(g.Settings, i)
		g.Open = g.Open || f.Values[i.Key] != "" || f.inherited(i) != "" || f.problem(i) != ""
	}
	return all
}

// modeChoices returns the suggestions for the game mode.
func modeChoices(ctx context.Context) []left4me.Choice {
	mode, _ := left4me.SettingOf("mode")
	return mode.In(locale.From(ctx)).Choices
}

// rowsOf returns the height of a text area in lines.
func rowsOf(i left4me.SettingInfo, text string) string {
	least := 3
	if i.Kind == left4me.ListSetting {
		least = 2
	}
	return strconv.Itoa(min(max(strings.Count(text, "\n")+2, least), 16))
}

// exampleOf returns the placeholder of a text area.
func exampleOf(i left4me.SettingInfo) string {
	if i.Kind == left4me.LongSetting {
		return ""
	}
	return i.Example
}
