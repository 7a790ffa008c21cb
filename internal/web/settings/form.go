package settings

import (
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

// Wrong puts what is wrong beside its fields, as who may read it, and says with which
// status the form is shown again. What isn't about the form is returned.
func (f *Form) Wrong(ctx context.Context, who accounts.Actor, err error, now Form) (status int, internal error) {
	wrong, ok := page.ProblemsOf(ctx, who, err)
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
