package overlays

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rollouts"
)

// overlayForm is the form of an overlay's definition, with saved or typed values.
type overlayForm struct {
	Name, Note, Kind              string
	Items, Names                  string // workshop; Items only in the form for a new overlay
	Script                        string // only in the form for a new overlay
	URL, Ref                      string // git
	Repository, Tag, Asset        string // release
	Subdir, Keep                  string // git and release
	Hours, At, Restart, Hour, Cfg string
	Texts                         string
	Version                       string // version of the definition on the page, to detect concurrent changes

	Problems page.Problems
	Theirs   []page.Setting // what another user changed in the meantime
}

// choice is an option of a field: its value in the form, and its label.
type choice struct {
	value string
	label locale.Message
}

// refreshTimes are the offered intervals between checks for updates.
var refreshTimes = []choice{
	{"0", locale.M("overlays.settings.refresh.manual")},
	{"6", locale.M("overlays.settings.refresh.hours", "count", 6)},
	{"12", locale.M("overlays.settings.refresh.hours", "count", 12)},
	{"24", locale.M("overlays.settings.refresh.day")},
	{"168", locale.M("overlays.settings.refresh.week")},
}

// applyModes are the choices of when servers restart to use a new revision.
var applyModes = []string{"never", "empty", rollouts.AtHour}

// namings are the choices of the names of workshop files on disk.
var namings = []choice{
	{"id", locale.M("overlays.settings.names.id")},
	{"original", locale.M("overlays.settings.names.original")},
}

// overlayFormOf returns the form with the values of a saved definition.
func overlayFormOf(v left4me.Overlay) overlayForm {
	f := overlayForm{
		Name: string(v.Name), Note: v.Note, Kind: string(v.Kind), Version: strconv.Itoa(v.Version), Cfg: strings.Join(v.Cfg, "\n"),
		Hours: strconv.Itoa(v.Refresh.Hours), At: v.Refresh.At, Restart: cmp.Or(v.Refresh.Restart, "never"),
		Texts: v.Texts,
	}
	if strings.Contains(f.Restart, ":") {
		f.Restart, f.Hour = rollouts.AtHour, f.Restart
	}
	if w := v.Workshop; w != nil {
		f.Names = cmp.Or(w.Names, "id")
	}
	if g := v.Git; g != nil {
		f.URL, f.Ref, f.Subdir, f.Keep = g.URL, g.Ref, g.Subdir, strings.Join(g.Keep, "\n")
	}
	if r := v.Release; r != nil {
		f.Repository, f.Tag, f.Asset, f.Subdir, f.Keep = r.Repository, r.Tag, r.Asset, r.Subdir, strings.Join(r.Keep, "\n")
	}
	return f
}

// readOverlayForm reads the submitted form without checking it.
func readOverlayForm(v url.Values) overlayForm {
	trimmed := func(field string) string { return strings.TrimSpace(v.Get(field)) }
	return overlayForm{
		Name: trimmed("name"), Note: trimmed("note"), Kind: trimmed("kind"), Items: v.Get("items"), Names: trimmed("names"),
		Script: format.UnixLines(v.Get("script")), URL: trimmed("url"), Ref: trimmed("ref"), Repository: trimmed("repository"),
		Tag:   trimmed("tag"),
		Asset: trimmed("asset"), Subdir: trimmed("subdir"), Keep: format.UnixLines(v.Get("keep")), Hours: trimmed("hours"),
		At:      trimmed("at"),
		Restart: trimmed("restart"), Hour: trimmed("hour"), Cfg: format.UnixLines(v.Get("cfg")), Version: trimmed("version"),
		Texts: trimmed("texts"),
	}
}

// onto returns v with the values of the form. Values that the form does not show stay
// unchanged. Errors: left4me.Invalid for hours that are no number.
func (f overlayForm) onto(v left4me.Overlay) (left4me.Overlay, error) {
	hours, err := strconv.Atoi(cmp.Or(f.Hours, "0"))
	if err != nil {
		return v, left4me.NewError(left4me.Invalid, "number.hours_invalid", "text",
			format.Visible(strconv.Quote(f.Hours))).InField("refresh.hours")
	}
	v.Note, v.Texts, v.Cfg = f.Note, f.Texts, format.CfgLines(f.Cfg)
	v.Refresh = left4me.Refresh{Hours: hours, At: f.At, Restart: rollouts.RestartOf(f.Restart, f.Hour)}
	keep := slices.DeleteFunc(format.CfgLines(f.Keep), func(s string) bool { return strings.TrimSpace(s) == "" })
	switch v.Kind {
	case left4me.WorkshopOverlay:
		w := left4me.Workshop{}
		if v.Workshop != nil {
			w = *v.Workshop
		}
		w.Names = f.Names
		v.Workshop = &w
	case left4me.ScriptOverlay:
		if v.Script == nil {
			v.Script = &left4me.Script{Text: f.Script}
		}
	case left4me.GitOverlay:
		v.Git = &left4me.Git{URL: f.URL, Ref: f.Ref, Subdir: f.Subdir, Keep: keep}
	case left4me.ReleaseOverlay:
		v.Release = &left4me.Release{Repository: f.Repository, Tag: f.Tag, Asset: f.Asset, Subdir: f.Subdir, Keep: keep}
	}
	return v, nil
}

// shownFields are the fields of a definition that the form shows next to their problems.
// Problems of other fields are shown above the form.
var shownFields = []string{
	"", "name", "note", "kind", "items", "workshop.names", "script.text", "git.url", "git.ref", "git.subdir", "git.keep",
	"release.repository",
	"release.tag", "release.asset", "release.subdir", "release.keep", "refresh.hours", "refresh.at", "refresh.restart", "cfg",
}

// gathered moves problems of fields that the form does not show to the field "", which is
// shown above the form.
func gathered(all page.Problems) page.Problems {
	for field, text := range all {
		if !slices.Contains(shownFields, field) {
			all[""] = strings.TrimSpace(all[""] + " " + text)
			delete(all, field)
		}
	}
	return all
}

// differences returns the settings of a definition that differ from the form.
func (f overlayForm) differences(ctx context.Context, v left4me.Overlay) (all []page.Setting) {
	g := overlayFormOf(v)
	for _, d := range []struct{ label, mine, theirs string }{
		{locale.T(ctx, "overlays.settings.note"), f.Note, g.Note},
		{locale.T(ctx, "overlays.settings.names"), f.Names, g.Names},
		{locale.T(ctx, "overlays.settings.url"), f.URL, g.URL},
		{locale.T(ctx, "overlays.settings.ref"), f.Ref, g.Ref},
		{locale.T(ctx, "overlays.settings.repository"), f.Repository, g.Repository},
		{locale.T(ctx, "overlays.settings.tag"), f.Tag, g.Tag},
		{locale.T(ctx, "overlays.settings.asset"), f.Asset, g.Asset},
		{locale.T(ctx, "overlays.settings.directory"), f.Subdir, g.Subdir},
		{locale.T(ctx, "overlays.settings.keep"), strings.Join(format.CfgLines(f.Keep), "\n"), g.Keep},
		{locale.T(ctx, "overlays.settings.refresh"), f.Hours + " " + f.At, g.Hours + " " + g.At},
		{locale.T(ctx, "overlays.settings.restart"), rollouts.RestartOf(f.Restart, f.Hour), rollouts.RestartOf(g.Restart, g.Hour)},
		{locale.T(ctx, "overlays.settings.texts"), f.Texts, g.Texts},
		{locale.T(ctx, "overlays.settings.cfg"), strings.Join(format.CfgLines(f.Cfg), "\n"), g.Cfg},
	} {
		if d.mine != d.theirs {
			theirs := cmp.Or(strings.TrimSpace(d.theirs), locale.T(ctx, "overlays.settings.changed.nothing"))
			all = append(all, page.Setting{Label: d.label, Value: theirs})
		}
	}
	return all
}
