package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// settingFlags are the settings of a server or a blueprint as flags, one per setting. Settings
// without a flag are unchanged; an empty value unsets one.
type settingFlags []*settingFlag

// settingFlag is the flag of a setting. It may be repeated if the setting is a list.
type settingFlag struct {
	left4me.SettingInfo
	given []string
}

// String returns the initial value, which is always empty.
func (f *settingFlag) String() string { return "" }

// Type returns the type shown in the help.
func (f *settingFlag) Type() string {
	if f.Kind == left4me.NumberSetting {
		return "number"
	}
	if f.Kind == left4me.SwitchSetting {
		return "on|off"
	}
	return "text"
}

// Set adds one value.
func (f *settingFlag) Set(v string) error {
	if !f.List() {
		f.given = nil
	}
	f.given = append(f.given, f.valueOf(v))
	return f.SettingInfo.Set(&left4me.Settings{}, f.given...)
}

// valueOf returns the value of a setting with choices for a value or its label in the panel, in upper or
// lower case. Other values are unchanged.
func (f *settingFlag) valueOf(v string) string {
	for _, c := range f.Choices {
		if strings.EqualFold(v, c.Value) {
			return c.Value
		}
	}
	for _, c := range f.Choices {
		if strings.EqualFold(v, c.Label) {
			return c.Value
		}
	}
	return v
}

// choices returns a sentence that lists the values of a setting with choices, each with its label if that
// is another word.
func choices(i left4me.SettingInfo) string {
	values := make([]string, len(i.Choices))
	for n, c := range i.Choices {
		values[n] = c.Value
		if same := strings.ReplaceAll(strings.ToLower(c.Label), " ", "-"); same != strings.ToLower(c.Value) {
			values[n] += " (" + c.Label + ")"
		}
	}
	if i.Kind == left4me.ChoiceSetting {
		return " One of: " + strings.Join(values, ", ") + "."
	}
	return " For example: " + strings.Join(values, ", ") + "."
}

func addSettings(c *cobra.Command) settingFlags {
	var all settingFlags
	for _, i := range left4me.SettingInfos() {
		f := &settingFlag{SettingInfo: i}
		usage := i.Help + " Default: " + i.Default + "."
		if len(i.Choices) > 0 {
			usage += choices(i)
		}
		if i.List() {
			usage += " May be repeated."
		}
		flag := c.Flags().VarPF(f, i.Flag, "", usage)
		if i.Kind == left4me.SwitchSetting {
			flag.NoOptDefVal = "on"
		}
		if len(i.Choices) > 0 {
			values := make([]string, len(i.Choices))
			for n, choice := range i.Choices {
				values[n] = choice.Value + "\t" + choice.Label
			}
			_ = c.RegisterFlagCompletionFunc(i.Flag, cobra.FixedCompletions(values, noFiles))
		}
		all = append(all, f)
	}
	return all
}

// apply changes s according to the given flags.
func (all settingFlags) apply(flags *pflag.FlagSet, s *left4me.Settings) error {
	for _, f := range all {
		if !flags.Changed(f.Flag) {
			continue
		}
		if err := f.SettingInfo.Set(s, f.given...); err != nil {
			return err
		}
	}
	return nil
}

// overlaysFlag adds --overlay. It returns a function for the flag's value, where a single empty
// value means no overlays.
func (a *app) overlaysFlag(c *cobra.Command) func() []string {
	var given []string
	c.Flags().StringArrayVar(&given, "overlay", nil,
		"an overlay, optionally pinned to a revision as in maps@3; may be repeated, top of the stack first")
	_ = c.RegisterFlagCompletionFunc("overlay", a.overlayRefs)
	return func() []string {
		if len(given) == 1 && given[0] == "" {
			return []string{}
		}
		return given
	}
}

// writeSettings prints settings and where each value comes from. base may be nil.
func writeSettings(w io.Writer, own left4me.Settings, base *left4me.Settings, blueprint left4me.Name) {
	fmt.Fprintln(w, "SETTING\tVALUE\tFROM")
	line := func(i left4me.SettingInfo, values []string, from string) {
		for _, v := range values {
			fmt.Fprintf(w, "%s\t%s\t%s\n", i.Flag, output.OneLine(strings.ReplaceAll(v, "\n", " ⏎ ")), from)
		}
	}
	for _, i := range left4me.SettingInfos() {
		mine := i.Get(own)
		var theirs []string
		if base != nil {
			theirs = i.Get(*base)
		}
		if len(mine) == 0 || i.List() {
			line(i, theirs, "blueprint "+string(blueprint))
		}
		from := "server"
		if base == nil {
			from = "blueprint " + string(blueprint)
		}
		line(i, mine, from)
		if len(mine)+len(theirs) == 0 {
			fmt.Fprintf(w, "%s\t\tdefault: %s\n", i.Flag, i.Default)
		}
	}
}
