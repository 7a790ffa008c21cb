package overlays

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/control/restart"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// Bounds of a definition.
const (
	maxNote    = 2000      // bytes
	maxLabel   = 100       // bytes
	maxScript  = 256 << 10 // bytes
	maxEntries = 2000      // of a workshop overlay
	maxFrozen  = 20_000    // items of a frozen collection
	maxGlobs   = 200
	maxPath    = 1024 // bytes
	maxDelete  = 10_000
	maxHours   = 720
	maxID      = 20 // digits
)

// fields are what is wrong with a request.
type fields left4me.Fields

func (f *fields) add(field, text, hint string) {
	*f = append(*f, &left4me.Error{Kind: left4me.Invalid, Field: field, Text: text, Hint: hint})
}

func (f *fields) err() error {
	if len(*f) == 0 {
		return nil
	}
	return left4me.Fields(*f)
}

// Check says what is wrong with a definition: every field at once. It returns it
// in the one form that it is kept in. Errors: left4me.Fields of left4me.Invalid.
func Check(v left4me.Overlay) (left4me.Overlay, error) {
	var f fields
	if _, err := left4me.ParseName(string(v.Name)); err != nil {
		e, _ := left4me.Public(err)
		f.add("name", e.Text, e.Hint)
	}
	f.text("note", v.Note, maxNote)
	f.texts("texts", v.Texts)
	v.Cfg = left4me.UnmarkedLines(v.Cfg)
	parts := []struct {
		kind  left4me.OverlayKind
		given bool
	}{
		{left4me.WorkshopOverlay, v.Workshop != nil},
		{left4me.ScriptOverlay, v.Script != nil},
		{left4me.GitOverlay, v.Git != nil},
		{left4me.ReleaseOverlay, v.Release != nil},
	}
	known := v.Kind == left4me.FilesOverlay
	for _, p := range parts {
		known = known || p.kind == v.Kind
		switch {
		case p.given && p.kind != v.Kind:
			f.add(string(p.kind), fmt.Sprintf("it is no part of a %s overlay", v.Kind), "leave it out")
		case !p.given && p.kind == v.Kind:
			f.add(string(p.kind), string(p.kind)+" is missing", "")
		}
	}
	if !known {
		f.add("kind", fmt.Sprintf("there is no kind %q", v.Kind), "use files, workshop, script, git or release")
	}
	f.moves("moves", v.Moves)
	f.parts(&v)
	f.refresh(&v)
	if err := servers.CheckSettings(left4me.Settings{Cfg: v.Cfg}); err != nil {
		var all left4me.Fields
		if !errors.As(err, &all) {
			return v, err
		}
		for _, e := range all {
			f.add(strings.TrimPrefix(e.Field, "settings."), e.Text, e.Hint)
		}
	}
	return v, f.err()
}

// parts checks what the kind needs.
func (f *fields) parts(v *left4me.Overlay) {
	if w := v.Workshop; w != nil {
		own := *w
		f.workshop(&own)
		v.Workshop = &own
	}
	if s := v.Script; s != nil {
		v.Script = &left4me.Script{Text: left4me.Unmarked(strings.ReplaceAll(s.Text, "\r\n", "\n"))} // else #! is none
		switch {
		case len(s.Text) > maxScript:
			f.add("script.text", "the script is too long", fmt.Sprintf("use at most %d KiB", maxScript>>10))
		case !utf8.ValidString(s.Text) || strings.ContainsRune(s.Text, 0):
			f.add("script.text", "it is not UTF-8 text", "")
		case strings.TrimSpace(s.Text) == "":
			f.add("script.text", "the script is empty", "")
		}
	}
	if g := v.Git; g != nil {
		f.address("git.url", g.URL)
		f.ref("git.ref", g.Ref)
		f.relative("git.subdir", g.Subdir)
		f.globs("git.keep", g.Keep)
	}
	if r := v.Release; r != nil {
		owner, name, _ := strings.Cut(r.Repository, "/")
		if !word(owner) || !word(name) {
			f.add("release.repository", fmt.Sprintf("%q is no repository on GitHub", short(r.Repository)), "write it as owner/name")
		}
		f.ref("release.tag", r.Tag)
		if r.Asset == "" {
			f.add("release.asset", "release.asset is missing", "name the file of the release, or a pattern like *.zip")
		} else if _, err := path.Match(r.Asset, ""); err != nil || len(r.Asset) > maxPath || strings.ContainsFunc(r.Asset, control) ||
			strings.Contains(r.Asset, "/") {
			f.add("release.asset", "it is no pattern for a file's name", "use one like *.zip")
		}
		f.relative("release.subdir", r.Subdir)
		f.globs("release.keep", r.Keep)
	}
}

// workshop checks the items of an overlay.
func (f *fields) workshop(w *left4me.Workshop) {
	switch w.Names {
	case "":
		w.Names = "id"
	case "id", "original":
	default:
		f.add("workshop.names", fmt.Sprintf("files can't be named by %q", short(w.Names)), "use id or original")
	}
	if len(w.Entries) > maxEntries {
		f.add("workshop.entries", fmt.Sprintf("%d entries are too many", len(w.Entries)),
			fmt.Sprintf("use at most %d; a collection counts as one", maxEntries))
		return
	}
	seen := map[left4me.WorkshopID]bool{}
	for i, e := range w.Entries {
		field := fmt.Sprintf("workshop.entries[%d]", i)
		f.id(field+".id", e.ID)
		if seen[e.ID] {
			f.add(field+".id", fmt.Sprintf("%s is there twice", e.ID), "name it once")
		}
		seen[e.ID] = true
		if len(e.Frozen) > maxFrozen {
			f.add(field+".frozen", fmt.Sprintf("%d items are too many", len(e.Frozen)), fmt.Sprintf("use at most %d", maxFrozen))
			continue
		}
		for j, id := range e.Frozen {
			f.id(fmt.Sprintf("%s.frozen[%d]", field, j), id)
		}
	}
	if len(w.Exclude) > maxFrozen {
		f.add("workshop.exclude", fmt.Sprintf("%d items are too many", len(w.Exclude)), fmt.Sprintf("use at most %d", maxFrozen))
		return
	}
	for i, id := range w.Exclude {
		f.id(fmt.Sprintf("workshop.exclude[%d]", i), id)
	}
}

func (f *fields) id(field string, id left4me.WorkshopID) {
	if !isID(string(id)) {
		f.add(field, fmt.Sprintf("%q is no number of a workshop item", short(string(id))), "use the digits behind ?id= in its address")
	}
}

// isID reports whether s is a number as the workshop gives them.
func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "0123456789") == "" && s[0] != '0'
}

// refresh checks when an overlay is brought up to date.
func (f *fields) refresh(v *left4me.Overlay) {
	r := &v.Refresh
	if r.Hours < 0 || r.Hours > maxHours {
		f.add("refresh.hours", fmt.Sprintf("%d hours are no time between two looks", r.Hours),
			fmt.Sprintf("use 1 to %d, or 0 for never", maxHours))
	}
	if r.Hours > 0 && v.Kind == left4me.FilesOverlay {
		f.add("refresh.hours", "nothing newer comes for uploaded files by itself", "use 0")
	}
	if r.At != "" && !restart.IsHour(r.At) {
		f.add("refresh.at", fmt.Sprintf("%q is no hour of the day", short(r.At)), "use one like 04:30, or none for any time")
	}
	switch {
	case r.Restart == "":
		r.Restart = "never"
	case r.Restart != "never" && r.Restart != "empty" && !restart.IsHour(r.Restart):
		f.add("refresh.restart", fmt.Sprintf("%q says no time for restarts", short(r.Restart)), "use never, empty or an hour like 04:30")
	}
}

// address checks where a repository is. Whether other than https may be used, the
// host decides: it knows who is exempt.
func (f *fields) address(field, s string) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		f.add(field, field+" is missing", "")
	case len(s) > 2048 || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsFunc(s, control) ||
		strings.ContainsAny(s, " \\"):
		f.add(field, "it is not the address of a repository", "use one like https://github.com/owner/name.git")
	case u.User != nil:
		f.add(field, "it holds a user or a password", "use a repository that everybody may read")
	case u.RawQuery != "" || u.Fragment != "":
		f.add(field, "it holds a ? or a #", "leave away what is behind the name")
	}
}

// ref checks the name of a branch, tag or commit, as git-check-ref-format(1) has
// it.
func (f *fields) ref(field, s string) {
	if s == "" {
		return
	}
	bad := len(s) > 255 || !utf8.ValidString(s) || strings.ContainsFunc(s, control) || strings.ContainsAny(s, " ~^:?*[\\") ||
		strings.HasPrefix(s, "-") || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.HasSuffix(s, ".") ||
		strings.HasSuffix(s, ".lock") ||
		strings.Contains(s, "..") || strings.Contains(s, "//") || strings.Contains(s, "@{") || s == "@"
	if bad {
		f.add(field, fmt.Sprintf("%q is no branch, tag or commit", short(s)), "")
	}
}

// relative checks a path beneath something; nothing is allowed.
func (f *fields) relative(field, s string) {
	if s != "" && !clean(s) {
		f.add(field, fmt.Sprintf("%q is no path beneath it", short(s)), "use one like left4dead2/cfg, without .. and without a / in front")
	}
}

func (f *fields) globs(field string, all []string) {
	if len(all) > maxGlobs {
		f.add(field, fmt.Sprintf("%d patterns are too many", len(all)), fmt.Sprintf("use at most %d", maxGlobs))
		return
	}
	for i, g := range all {
		if _, err := path.Match(g, ""); err != nil || !clean(g) {
			f.add(fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%q is no path or pattern beneath it", short(g)),
				"use one like left4dead2/cfg/*.cfg")
		}
	}
}

// clean reports whether s is a path in its one form that can't lead out.
func clean(s string) bool {
	return len(s) <= maxPath && utf8.ValidString(s) && path.Clean(s) == s && s != "." && s != ".." &&
		!strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "../") && !strings.ContainsFunc(s, control) && !strings.Contains(s, `\`)
}

// text checks words of people.
func (f *fields) text(field, s string, most int) {
	switch {
	case len(s) > most:
		f.add(field, fmt.Sprintf("%d bytes are too many", len(s)), fmt.Sprintf("use at most %d", most))
	case !utf8.ValidString(s) || strings.ContainsFunc(strings.ReplaceAll(s, "\n", ""), control):
		f.add(field, "it is not plain text", "")
	}
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' }

// word reports whether s can be the name of an owner or a repository on GitHub.
func word(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 100 && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

// short keeps an error readable when the input was not.
func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// checkRequest says what is wrong with what a build is asked for with.
func checkRequest(kind left4me.OverlayKind, r Request) error {
	var f fields
	f.text("note", r.Note, maxNote)
	repairs := r.Change != nil && len(r.Change.Repair) > 0
	switch {
	case repairs && (r.Promote != nil || r.Change.Upload != "" || r.Change.Replace || len(r.Change.Delete) > 0):
		f.add("change.repair", "a repair of texts is a change of its own", "leave out everything else")
	case kind != left4me.FilesOverlay && r.Change != nil && !repairs:
		f.add("change", fmt.Sprintf("a %s overlay is not changed by hand", kind), "leave it out; its definition says what is built")
	case kind != left4me.FilesOverlay && r.Promote != nil:
		f.add("promote", fmt.Sprintf("a %s overlay takes no files of a server", kind), "use an overlay of files")
	case kind == left4me.FilesOverlay && (r.Change == nil) == (r.Promote == nil):
		f.add("change", "there is nothing to make a revision from", "upload files, name some to delete, or promote what a server wrote")
	}
	if c := r.Change; c != nil {
		if c.Upload == "" && len(c.Delete) == 0 && !c.Replace && !repairs {
			f.add("change", "it changes nothing", "name an upload, or paths to delete")
		}
		if c.Base < left4me.NoRevision {
			f.add("change.base", fmt.Sprintf("%d is no revision", c.Base), "")
		}
		f.paths("change.delete", c.Delete)
		f.moves("change.import.moves", c.Import.Moves)
		f.paths("change.repair", slices.DeleteFunc(slices.Clone(c.Repair), func(p string) bool { return p == "." }))
		f.texts("change.import.texts", c.Import.Texts)
	}
	if p := r.Promote; p != nil {
		if !p.Server.Valid() {
			f.add("promote.server", "promote.server is missing", "")
		}
		if len(p.Paths) == 0 {
			f.add("promote.paths", "no file is named", "")
		}
		f.paths("promote.paths", p.Paths)
	}
	return f.err()
}

// maxMoves is how many folders of uploads an overlay may move.
const maxMoves = 1000

// CheckMoves says what is wrong with folders that go elsewhere, or nothing. field is
// what they are called in an error, which is left4me.Invalid.
func CheckMoves(field string, all []left4me.FolderMove) error {
	var f fields
	f.moves(field, all)
	return f.err()
}

// moves checks folders that go elsewhere.
func (f *fields) moves(field string, all []left4me.FolderMove) {
	if len(all) > maxMoves {
		f.add(field, fmt.Sprintf("there are more than %d moves", maxMoves),
			"move the folders that the others are in, or forget some: the settings of the overlay list them")
		return
	}
	for _, m := range all {
		for _, p := range []string{m.From, m.To} {
			if len(p) > maxPath || path.IsAbs(p) || p == ".." || strings.HasPrefix(path.Clean(p), "../") ||
				strings.ContainsFunc(p, unicode.IsControl) || !utf8.ValidString(p) {
				f.add(field, fmt.Sprintf("%q can't go to %q", short(m.From), short(m.To)),
					"name a folder of the upload, and where it goes in the layer, like left4dead2/cfg")
				return
			}
		}
		if m.From == "" {
			f.add(field, "a move names no folder", "name a folder or file of the upload")
			return
		}
	}
}

// texts checks what becomes of texts that are no plain UTF-8.
func (f *fields) texts(field, s string) {
	if s != "" && s != left4me.TextsAsIs {
		f.add(field, fmt.Sprintf("texts can't be kept %q", short(s)), "use "+left4me.TextsAsIs+", or nothing")
	}
}

func (f *fields) paths(field string, all []string) {
	if len(all) > maxDelete {
		f.add(field, fmt.Sprintf("%d paths are too many", len(all)), fmt.Sprintf("use at most %d, or a directory", maxDelete))
		return
	}
	if i := slices.IndexFunc(all, func(s string) bool { return !clean(s) }); i >= 0 {
		f.add(fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%q is no path in an overlay", short(all[i])),
			"use one like left4dead2/cfg/server.cfg")
	}
}
