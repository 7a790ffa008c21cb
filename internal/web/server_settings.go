package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// setting is one thing that is said of something: who says it may be left out.
type setting struct {
	Label string
	Value string
	From  string
}

// settingsForm is the form of a server as it was typed.
type settingsForm struct {
	definitionForm
	Port, Blueprint, Autostart string

	Blueprints []left4me.Blueprint // to choose from
}

// autostarts are the kinds of autostart to choose from.
var autostarts = []struct {
	Value left4me.Autostart
	Label string
}{
	{left4me.AutostartLast, "If it ran before"},
	{left4me.AutostartAlways, "Always"},
	{left4me.AutostartNever, "Not at a boot of the host"},
}

// diffOfConfig is what a restart would change in the generated files.
type diffOfConfig struct {
	Files   []diffOfFile
	Changed bool
	Up      bool
	Problem string // why it could not be asked for
}

type diffOfFile struct {
	Path    string
	Changed bool
	Lines   []diffRow
	More    int // lines that are not shown
}

// diffRow is a line of a difference, or stands for a number of unchanged ones.
type diffRow struct {
	left4me.LineChange
	Skipped int
}

const (
	wholeDiff  = 1000 // lines of a file that is shown whole
	diffAround = 3    // unchanged lines that are shown around a change of a longer one
	mostDiff   = 4000 // rows that are shown of any file
)

// fold is what a page shows of a difference. Of a long file it leaves out what did
// not change; what is longer still is cut.
func fold(lines []left4me.LineChange) (rows []diffRow, more int) {
	shown := make([]bool, len(lines))
	for i, l := range lines {
		if l.Was != l.Is || len(lines) <= wholeDiff {
			for k := max(0, i-diffAround); k < min(len(lines), i+diffAround+1); k++ {
				shown[k] = true
			}
		}
	}
	for i, l := range lines {
		switch last := len(rows) - 1; {
		case !shown[i] && last >= 0 && rows[last].Skipped > 0:
			rows[last].Skipped++
		case len(rows) == mostDiff:
			return rows, len(lines) - i
		case !shown[i]:
			rows = append(rows, diffRow{Skipped: 1})
		default:
			rows = append(rows, diffRow{LineChange: l})
		}
	}
	return rows, 0
}

// settingsView is the page of a server's settings.
func (p *panel) settingsView(r *http.Request, who accounts.Actor) (view, error) {
	s, err := p.serverPage(r, who, "settings")
	if err != nil {
		return view{}, err
	}
	warnings := lazy("map-warnings", func(ctx context.Context) (templ.Component, error) {
		return mapWarnings("map-warnings", p.Servers.Warnings().Of(ctx, s.Name)), nil
	}, onRun(s.Name), onContent(), onEnds(left4me.BuildOverlay.Noun()))
	now := deferred(func(ctx context.Context) (templ.Component, error) {
		own := s.Settings
		if !s.May.Act {
			own = own.Public()
		}
		form := settingsForm{
			definitionForm: definitionOf(own, s.Overlays, s.Version),
			Port:           strconv.Itoa(s.Port),
			Blueprint:      string(s.Blueprint),
			Autostart:      string(s.Autostart),
		}
		form.warnings = warnings
		err := p.fillSettings(ctx, s.May, &form)
		return serverSettings(s, form), err
	})
	diff := lazy("config-diff", func(ctx context.Context) (templ.Component, error) { return configDiff(p.diffOf(ctx, s)), nil },
		onRun(s.Name), onContent())
	return p.serverView(r, who, s, columns(p.form(r, "settings", now, onRun(s.Name), onContent()).holds(warnings), diff)), nil
}

// fillSettings fills in what there is to choose from in the form of a server.
func (p *panel) fillSettings(ctx context.Context, m may, form *settingsForm) error {
	all, err := p.Content.Blueprints().List(ctx)
	if err != nil {
		return err
	}
	form.Blueprints, form.May = all, m
	for _, b := range all {
		if string(b.Name) == form.Blueprint {
			form.Base = b
		}
	}
	p.offers(ctx, &form.definitionForm, form.Base.Overlays)
	return nil
}

// retypeSettings shows the settings with a form as it was typed.
func (p *panel) retypeSettings(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, s serverPage,
	form settingsForm,
) error {
	v, err := p.settingsView(r, who)
	if err != nil {
		return err
	}
	if err := p.fillSettings(r.Context(), s.May, &form); err != nil {
		return err
	}
	form.warnings = p.typedWarnings(r.Context(), form.definitionForm, form.Base.Overlays)
	v.form("settings").typed = serverSettings(s, form)
	return p.show(w, r, status, v)
}

// saveSettings changes a server. When somebody else was faster, the form shows
// what they did and keeps what was typed.
func (p *panel) saveSettings(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	s, err := p.serverPage(r, who, "settings")
	if err != nil {
		return err
	}
	form := settingsForm{
		definitionForm: readDefinition(r.PostForm),
		Port:           strings.TrimSpace(r.PostForm.Get("port")),
		Blueprint:      r.PostForm.Get("blueprint"),
		Autostart:      r.PostForm.Get("autostart"),
	}
	if button := r.PostForm.Get("stack"); button != "" {
		form.restack(button)
		return p.retypeSettings(w, r, who, http.StatusOK, s, form)
	}
	v := left4me.Server{Name: s.Name, Blueprint: left4me.Name(form.Blueprint), Autostart: left4me.Autostart(form.Autostart)}
	v.Version, _ = strconv.Atoi(form.Version) // what has none is nobody's
	var wrong error
	if v.Port, wrong = portOf(form.Port); v.Port == 0 {
		v.Port = s.Port
	}
	v.Settings, v.Overlays, err = form.definition()
	if err = both(wrong, err); err == nil {
		_, err = p.Servers.Update(r.Context(), who.Name, v)
	} else {
		err = both(err, p.Servers.Mistakes(r.Context(), v, false))
	}
	if err == nil {
		http.Redirect(w, r, "/servers/"+string(s.Name)+"/settings", http.StatusSeeOther)
		return nil
	}
	status, err := form.wrong(err, definitionOf(s.Settings, s.Overlays, s.Version))
	if err != nil {
		return err
	}
	return p.retypeSettings(w, r, who, status, s, form)
}

// wrong puts what is wrong beside its fields, and says with which status the form
// is shown again. What isn't about the form is returned.
func (f *definitionForm) wrong(err error, now definitionForm) (status int, internal error) {
	wrong, ok := problemsOf(err)
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

// portOf reads a port that was typed; none is 0.
func portOf(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, &left4me.Error{
			Kind:  left4me.Invalid,
			Field: "port",
			Text:  visible(strconv.Quote(text)) + " is not a number here",
			Hint:  "use digits",
		}
	}
	return n, nil
}

// both joins what is wrong with fields.
func both(errs ...error) error {
	var all left4me.Fields
	for _, err := range errs {
		var several left4me.Fields
		if errors.As(err, &several) {
			all = append(all, several...)
		} else if e, ok := left4me.Public(err); ok {
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// diffOf asks what a restart would change. A host that doesn't answer is only said.
func (p *panel) diffOf(ctx context.Context, s serverPage) diffOfConfig {
	d := diffOfConfig{Up: s.Status.State.Up()}
	files, err := p.Servers.Files().ConfigDiff(ctx, s.Name)
	if err != nil {
		d.Problem = "It can't be said now: the host does not answer."
		if e, ok := left4me.Public(err); ok && e.Kind != left4me.Unavailable {
			d.Problem = sentence(visible(e.Error()))
		}
		return d
	}
	for _, f := range files {
		lines, err := left4me.DiffLines(ctx, f.Running, f.Next)
		if err != nil { // nobody waits for the page any more
			return diffOfConfig{Problem: "The comparison was interrupted."}
		}
		one := diffOfFile{Path: f.Path, Changed: f.Running != f.Next}
		one.Lines, one.More = fold(lines)
		d.Changed = d.Changed || one.Changed
		d.Files = append(d.Files, one)
	}
	return d
}
