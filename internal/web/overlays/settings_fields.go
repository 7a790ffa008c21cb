package overlays

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/rollouts"
)

// overlayForm is the definition of an overlay as it was typed, or as it is.
type overlayForm struct {
	Name, Note, Kind              string
	Items, Names                  string // workshop; Items only of a new one
	Script                        string // of a new one
	URL, Ref                      string // git
	Repository, Tag, Asset        string // release
	Subdir, Keep                  string // git and release
	Hours, At, Restart, Hour, Cfg string
	Texts                         string
	Version                       string // of the definition that was looked at

	Problems page.Problems
	Theirs   []page.Setting // what somebody else made of it meanwhile
}

// refreshTimes are the choices of how often something newer is looked for.
var refreshTimes = []struct{ Value, Label string }{
	{"0", "only when somebody asks"}, {"6", "every 6 hours"}, {"12", "every 12 hours"}, {"24", "every day"}, {"168", "every week"},
}

// applyModes are the choices of when servers move to a newer revision.
var applyModes = []struct{ Value, Label string }{
	{"never", "when somebody restarts them"}, {"empty", "each when nobody plays on it"}, {rollouts.AtHour, "all at the hour"},
}

// namings are the choices of what workshop files are called on disk.
var namings = []struct{ Value, Label string }{
	{"id", "by number: 123456789.vpk"}, {"original", "as their authors named them"},
}

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

// onto is an overlay with what the form asks for. What a form doesn't show stays
// as it is in v.
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

// shownFields are the fields of a definition that have a place on the form. What
// is wrong with another one stands above it.
var shownFields = []string{
	"", "name", "note", "kind", "items", "workshop.names", "script.text", "git.url", "git.ref", "git.subdir", "git.keep",
	"release.repository",
	"release.tag", "release.asset", "release.subdir", "release.keep", "refresh.hours", "refresh.at", "refresh.restart", "cfg",
}

// gathered moves what is wrong with fields that the form doesn't show to its head.
func gathered(all page.Problems) page.Problems {
	for field, text := range all {
		if !slices.Contains(shownFields, field) {
			all[""] = strings.TrimSpace(all[""] + " " + text)
			delete(all, field)
		}
	}
	return all
}

// differences are the parts of a definition that are other than in the form.
func (f overlayForm) differences(v left4me.Overlay) (all []page.Setting) {
	g := overlayFormOf(v)
	for _, d := range []struct{ label, mine, theirs string }{
		{"Note", f.Note, g.Note},
		{"Names on disk", f.Names, g.Names},
		{"Address", f.URL, g.URL},
		{"Branch, tag or commit", f.Ref, g.Ref},
		{"Repository", f.Repository, g.Repository},
		{"Tag", f.Tag, g.Tag},
		{"Files of the release", f.Asset, g.Asset},
		{"Directory", f.Subdir, g.Subdir},
		{"Kept files", strings.Join(format.CfgLines(f.Keep), "\n"), g.Keep},
		{"Refresh", f.Hours + " " + f.At, g.Hours + " " + g.At},
		{"Servers move over", rollouts.RestartOf(f.Restart, f.Hour), rollouts.RestartOf(g.Restart, g.Hour)},
		{"Leave texts as they come", f.Texts, g.Texts},
		{"Lines for server.cfg", strings.Join(format.CfgLines(f.Cfg), "\n"), g.Cfg},
	} {
		if d.mine != d.theirs {
			all = append(all, page.Setting{Label: d.label, Value: cmp.Or(strings.TrimSpace(d.theirs), "nothing")})
		}
	}
	return all
}
