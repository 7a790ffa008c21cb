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
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// Form is the input that forms of servers and blueprints share: settings and the overlay
// stack, as typed.
type Form struct {
	Values  map[string]string // values by setting key; lists have one entry per line
	Stack   []string          // overlays, the topmost first
	Add     string            // overlay selected next to the Add button
	Version string            // version of the definition that the form was made from

	Base     left4me.Blueprint // the server's blueprint; without a name for a blueprint's own form
	Overlays []left4me.Name    // overlays that can be added
	Maps     []mapOffer        // suggestions for the first map
	Problems page.Problems
	Theirs   []page.Setting // values that another user saved in the meantime
	May      page.Permission
	Secrets  bool            // whether the secrets of Base may be shown
	Warnings templ.Component // warnings about the first map

	StackWarnings templ.Component // warnings about the overlays
}

// FormOf returns the form for a saved definition.
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

// ReadForm parses the form values of a request.
func ReadForm(v url.Values) Form {
	f := Form{Values: map[string]string{}, Add: v.Get("add"), Version: v.Get("version")}
	for _, i := range left4me.SettingInfos() {
		text := strings.ReplaceAll(v.Get(i.Key), "\r\n", "\n") // browsers send CR LF
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

// Definition parses the settings and the overlay stack. The error contains the values that
// cannot be parsed; the control package checks the rest.
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

// differs returns the values of theirs that differ from the form's.
func (f Form) differs(ctx context.Context, theirs Form) []page.Setting {
	var all []page.Setting
	add := func(label, mine, theirs string) {
		if mine != theirs {
			if theirs == "" {
				theirs = locale.T(ctx, "settings.conflict.empty")
			}
			all = append(all, page.Setting{Label: label, Value: theirs})
		}
	}
	for _, i := range left4me.SettingInfos() {
		add(i.In(locale.From(ctx)).Label, strings.TrimRight(f.Values[i.Key], "\n"), strings.TrimRight(theirs.Values[i.Key], "\n"))
	}
	add(locale.T(ctx, "settings.overlays"), strings.Join(f.Stack, "\n"), strings.Join(theirs.Stack, "\n"))
	if len(all) == 0 {
		all = append(all, page.Setting{
			Label: locale.T(ctx, "settings.conflict.none"), Value: locale.T(ctx, "settings.conflict.none.text"),
		})
	}
	return all
}

// Fill adds the overlays and maps that the user may choose. If the host does not respond, only
// the maps of the game are offered. inherited are the overlays of the server's blueprint.
func (p *Choices) Fill(ctx context.Context, who accounts.Actor, f *Form, inherited []left4me.OverlayRef) {
	all, err := p.Overlays.Names(ctx)
	all = accounts.Visible(who, all, left4me.OnOverlay)
	if err == nil {
		for _, n := range all {
			if !slices.ContainsFunc(f.Stack, func(s string) bool { return nameIn(s) == n }) {
				f.Overlays = append(f.Overlays, n)
			}
		}
	}
	f.Maps = p.mapOffers(ctx, append(f.stack(), inherited...), all)
}

// gatherDefinition keeps the problems of fields that the form has. The first of the other
// problems gets the key "", which the form shows at its top.
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

// Wrong sets the problems of the fields from err, without details that are hidden from the user,
// and returns the HTTP status for showing the form again. It returns err itself if err is not
// about the form. now is the form of the saved definition.
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
		f.Theirs, f.Version = f.differs(ctx, now), now.Version
	}
	return status, nil
}
