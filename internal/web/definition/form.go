package definition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// Form is what the forms of servers and blueprints share, as it was
// typed: settings, and overlays in order.
type Form struct {
	Values  map[string]string // by the key of the setting; lists one a line
	Stack   []string          // top first
	Add     string            // the overlay that the next press of Add puts on top
	Version string            // of the definition that was looked at

	Base     left4me.Blueprint // what is beneath a server; without a name there is nothing
	Overlays []left4me.Name    // to choose from
	Maps     []mapOffer        // to begin with
	Problems page.Problems
	Theirs   []page.Setting // what somebody else made of it meanwhile
	May      page.Permission
	Secrets  bool            // those of Base may be shown
	Warnings templ.Component // of the first map
}

// FormOf is the form of what is there.
func FormOf(s left4me.Settings, stack []left4me.OverlayRef, version int) Form {
	f := Form{Values: map[string]string{}, Version: strconv.Itoa(version)}
	for _, i := range left4me.SettingInfos() {
		f.Values[i.Key] = strings.Join(i.Get(s), "\n")
	}
	for _, o := range stack {
		f.Stack = append(f.Stack, o.String())
	}
	return f
}

// ReadForm reads the form as it was sent.
func ReadForm(v url.Values) Form {
	f := Form{Values: map[string]string{}, Add: v.Get("add"), Version: v.Get("version")}
	for _, i := range left4me.SettingInfos() {
		text := strings.ReplaceAll(v.Get(i.Key), "\r\n", "\n") // browsers end lines so
		if i.Kind != left4me.LongSetting && !i.List() {
			text = strings.TrimSpace(text)
		}
		f.Values[i.Key] = text
	}
	for _, o := range v["overlay"] {
		if o = strings.TrimSpace(o); o != "" {
			f.Stack = append(f.Stack, o)
		}
	}
	return f
}

// Restack does what one of the buttons beside the overlays says: up, down or
// remove with a number, or add. Nothing is saved by that.
func (f *Form) Restack(button string) {
	what, number, _ := strings.Cut(button, ":")
	n, err := strconv.Atoi(number)
	there := err == nil && n >= 0 && n < len(f.Stack)
	switch {
	case what == "add" && f.Add != "":
		f.Stack, f.Add = slices.Insert(f.Stack, 0, f.Add), ""
	case what == "remove" && there:
		f.Stack = slices.Delete(f.Stack, n, n+1)
	case what == "up" && there && n > 0:
		f.Stack[n], f.Stack[n-1] = f.Stack[n-1], f.Stack[n]
	case what == "down" && there && n+1 < len(f.Stack):
		f.Stack[n], f.Stack[n+1] = f.Stack[n+1], f.Stack[n]
	}
}

// Definition is what the form asks for. What can't be a value at all is said here,
// the rest where every definition is checked.
func (f Form) Definition() (s left4me.Settings, stack []left4me.OverlayRef, err error) {
	var wrong left4me.Fields
	for _, i := range left4me.SettingInfos() {
		if e, ok := left4me.Public(i.Set(&s, f.values(i)...)); ok {
			wrong = append(wrong, e)
		}
	}
	for n, text := range f.Stack {
		o, err := left4me.ParseOverlayRef(text)
		if e, ok := left4me.Public(err); ok {
			wrong = append(wrong, e.ForField(fmt.Sprintf("overlays[%d]", n)))
		}
		stack = append(stack, o)
	}
	if len(wrong) > 0 {
		return s, stack, wrong
	}
	return s, stack, nil
}

// overlayID is the id of the nth overlay in the form.
func overlayID(n int) string { return "overlay-" + strconv.Itoa(n) }

// stackID is where what is wrong with the stack can be changed.
func (f Form) stackID() string {
	if len(f.Stack) > 0 {
		return overlayID(0)
	}
	return "overlays"
}

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

// differs says what somebody else has where the form has something else.
func (f Form) differs(theirs Form) []page.Setting {
	var all []page.Setting
	add := func(label, mine, theirs string) {
		if mine != theirs {
			if theirs == "" {
				theirs = "nothing"
			}
			all = append(all, page.Setting{Label: label, Value: theirs})
		}
	}
	for _, i := range left4me.SettingInfos() {
		add(i.Label, strings.TrimRight(f.Values[i.Key], "\n"), strings.TrimRight(theirs.Values[i.Key], "\n"))
	}
	add("Overlays", strings.Join(f.Stack, "\n"), strings.Join(theirs.Stack, "\n"))
	if len(all) == 0 {
		all = append(all, page.Setting{Label: "The same", Value: "they have what you typed"})
	}
	return all
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

// Fill fills in which overlays there are to choose from, and which maps. A host
// that doesn't answer offers no overlays, and the maps of the game. Beneath are the
// overlays of a server's blueprint. Only what who may see is offered.
func (p *Choices) Fill(ctx context.Context, who accounts.Actor, f *Form, beneath []left4me.OverlayRef) {
	all, err := p.Overlays.Names(ctx)
	all = accounts.Visible(who, all, left4me.OnOverlay)
	if err == nil {
		for _, n := range all {
			if !slices.ContainsFunc(f.Stack, func(s string) bool { return nameIn(s) == n }) {
				f.Overlays = append(f.Overlays, n)
			}
		}
	}
	f.Maps = p.mapOffers(ctx, append(f.stack(), beneath...), all)
}

// TypedWarnings are those of what was typed, which only this form has.
func (p *Choices) TypedWarnings(ctx context.Context, f Form, beneath []left4me.OverlayRef) templ.Component {
	first := left4me.Settings{Map: cmp.Or(f.Values["map"], f.Base.Settings.Map)}
	return MapWarnings("typed-map-warnings", p.Servers.Warnings().OfStack(ctx, first, append(f.stack(), beneath...)))
}

// nameIn is the overlay that a text of a stack names.
func nameIn(ref string) left4me.Name {
	name, _, _ := strings.Cut(ref, "@")
	return left4me.Name(name)
}

// gatherDefinition keeps problems of fields that the form has, and says the others
// at its head.
func gatherDefinition(wrong page.Problems) page.Problems {
	out := page.Problems{}
	for field, text := range wrong {
		key, isSetting := strings.CutPrefix(field, "settings.")
		_, known := left4me.SettingOf(key)
		switch {
		case isSetting && known, slices.Contains([]string{"name", "port", "blueprint", "overlays", "autostart"}, field):
			out[field] = text
		case out[""] == "":
			out[""] = text
		}
	}
	return out
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

// Wrong puts what is wrong beside its fields, and says with which status the form
// is shown again. What isn't about the form is returned.
func (f *Form) Wrong(err error, now Form) (status int, internal error) {
	wrong, ok := page.ProblemsOf(err)
	if !ok {
		return 0, err
	}
	f.Problems = gatherDefinition(wrong)
	status = http.StatusUnprocessableEntity
	if errors.Is(err, left4me.Conflict) {
		status = http.StatusConflict
	}
	if wrong["version"] != "" {
		f.Theirs, f.Version = f.differs(now), now.Version
	}
	return status, nil
}
