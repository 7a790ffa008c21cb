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

	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// Limits of a definition.
const (
	maxNote    = 2000      // bytes
	maxLabel   = 100       // bytes
	maxScript  = 256 << 10 // bytes
	maxEntries = 2000      // entries of a workshop overlay
	maxFrozen  = 20_000    // items of a frozen collection
	maxGlobs   = 200
	maxPath    = 1024 // bytes
	maxDelete  = 10_000
	maxHours   = 720
	maxID      = 20 // digits
)

// fields collects the invalid fields of a request.
type fields left4me.Fields

func (f *fields) add(field string, e *left4me.Error) { *f = append(*f, e.InField(field)) }

func (f *fields) err() error {
	if len(*f) == 0 {
		return nil
	}
	return left4me.Fields(*f)
}

// Check validates a definition and returns it in its normalised form. It reports all invalid fields
// at once. Errors: left4me.Fields of left4me.Invalid.
func Check(v left4me.Overlay) (left4me.Overlay, error) {
	var f fields
	if _, err := left4me.ParseName(string(v.Name)); err != nil {
		e, _ := left4me.Public(err)
		f.add("name", e)
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
			f.add(string(p.kind), left4me.NewError(left4me.Invalid, "overlay.part_of_other_kind", "kind", v.Kind))
		case !p.given && p.kind == v.Kind:
			f.add(string(p.kind), left4me.NewError(left4me.Invalid, "field.missing", "field", p.kind))
		}
	}
	if !known {
		f.add("kind", left4me.NewError(left4me.Invalid, "overlay.no_such_kind", "kind", v.Kind))
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
			f.add(strings.TrimPrefix(e.Field, "settings."), e)
		}
	}
	return v, f.err()
}

// parts checks the fields that belong to the kind.
func (f *fields) parts(v *left4me.Overlay) {
	if w := v.Workshop; w != nil {
		own := *w
		f.workshop(&own)
		v.Workshop = &own
	}
	if s := v.Script; s != nil {
		v.Script = &left4me.Script{Text: left4me.Unmarked(strings.ReplaceAll(s.Text, "\r\n", "\n"))} // a CR or BOM breaks #!
		switch {
		case len(s.Text) > maxScript:
			f.add("script.text", left4me.NewError(left4me.Invalid, "script.too_long", "limit", left4me.Bytes(maxScript)))
		case !utf8.ValidString(s.Text) || strings.ContainsRune(s.Text, 0):
			f.add("script.text", left4me.NewError(left4me.Invalid, "field.not_utf8"))
		case strings.TrimSpace(s.Text) == "":
			f.add("script.text", left4me.NewError(left4me.Invalid, "script.empty"))
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
		if !githubName(owner) || !githubName(name) {
			f.add("release.repository",
				left4me.NewError(left4me.Invalid, "release.repository_invalid", "repository", truncate(r.Repository)))
		}
		f.ref("release.tag", r.Tag)
		if r.Asset == "" {
			f.add("release.asset", left4me.NewError(left4me.Invalid, "release.asset_missing"))
		} else if _, err := path.Match(r.Asset, ""); err != nil || len(r.Asset) > maxPath || strings.ContainsFunc(r.Asset, control) ||
			strings.Contains(r.Asset, "/") {
			f.add("release.asset", left4me.NewError(left4me.Invalid, "release.asset_no_pattern"))
		}
		f.relative("release.subdir", r.Subdir)
		f.globs("release.keep", r.Keep)
	}
}

// workshop checks the items of a workshop overlay.
func (f *fields) workshop(w *left4me.Workshop) {
	switch w.Names {
	case "":
		w.Names = "id"
	case "id", "original":
	default:
		f.add("workshop.names", left4me.NewError(left4me.Invalid, "workshop.names_invalid", "names", truncate(w.Names)))
	}
	if len(w.Entries) > maxEntries {
		f.add("workshop.entries",
			left4me.NewError(left4me.Invalid, "workshop.too_many_entries", "count", len(w.Entries), "limit", maxEntries))
		return
	}
	seen := map[left4me.WorkshopID]bool{}
	for i, e := range w.Entries {
		field := fmt.Sprintf("workshop.entries[%d]", i)
		f.id(field+".id", e.ID)
		if seen[e.ID] {
			f.add(field+".id", left4me.NewError(left4me.Invalid, "workshop.item_twice", "item", e.ID))
		}
		seen[e.ID] = true
		if len(e.Frozen) > maxFrozen {
			f.add(field+".frozen", left4me.NewError(left4me.Invalid, "workshop.too_many_items", "count", len(e.Frozen), "limit", maxFrozen))
			continue
		}
		for j, id := range e.Frozen {
			f.id(fmt.Sprintf("%s.frozen[%d]", field, j), id)
		}
	}
	if len(w.Exclude) > maxFrozen {
		f.add("workshop.exclude", left4me.NewError(left4me.Invalid, "workshop.too_many_items", "count", len(w.Exclude), "limit", maxFrozen))
		return
	}
	for i, id := range w.Exclude {
		f.id(fmt.Sprintf("workshop.exclude[%d]", i), id)
	}
}

func (f *fields) id(field string, id left4me.WorkshopID) {
	if !isID(string(id)) {
		f.add(field, left4me.NewError(left4me.Invalid, "workshop.number_invalid", "item", truncate(string(id))))
	}
}

// isID reports whether s is a workshop id: digits without a leading zero.
func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "0123456789") == "" && s[0] != '0'
}

// refresh checks the schedule of updates.
func (f *fields) refresh(v *left4me.Overlay) {
	r := &v.Refresh
	if r.Hours < 0 || r.Hours > maxHours {
		f.add("refresh.hours", left4me.NewError(left4me.Invalid, "refresh.hours_out_of_range", "hours", r.Hours, "limit", maxHours))
	}
	if r.Hours > 0 && v.Kind == left4me.FilesOverlay {
		f.add("refresh.hours", left4me.NewError(left4me.Invalid, "refresh.not_for_files"))
	}
	if r.At != "" && !rolloutrules.IsHour(r.At) {
		f.add("refresh.at", left4me.NewError(left4me.Invalid, "refresh.hour_invalid", "time", truncate(r.At)))
	}
	switch {
	case r.Restart == "":
		r.Restart = "never"
	case r.Restart != "never" && r.Restart != "empty" && !rolloutrules.IsHour(r.Restart):
		f.add("refresh.restart", left4me.NewError(left4me.Invalid, "refresh.restart_invalid", "mode", truncate(r.Restart)))
	}
}

// address checks the URL of a repository. The host decides whether plain http is allowed, because
// exceptions are configured there.
func (f *fields) address(field, s string) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		f.add(field, left4me.NewError(left4me.Invalid, "field.missing", "field", field))
	case len(s) > 2048 || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsFunc(s, control) ||
		strings.ContainsAny(s, " \\"):
		f.add(field, left4me.NewError(left4me.Invalid, "git.address_invalid"))
	case u.User != nil:
		f.add(field, left4me.NewError(left4me.Invalid, "git.address_with_password"))
	case u.RawQuery != "" || u.Fragment != "":
		f.add(field, left4me.NewError(left4me.Invalid, "git.address_with_query"))
	}
}

// ref checks the name of a branch, tag or commit by the rules of git-check-ref-format(1).
func (f *fields) ref(field, s string) {
	if s == "" {
		return
	}
	bad := len(s) > 255 || !utf8.ValidString(s) || strings.ContainsFunc(s, control) || strings.ContainsAny(s, " ~^:?*[\\") ||
		strings.HasPrefix(s, "-") || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.HasSuffix(s, ".") ||
		strings.HasSuffix(s, ".lock") ||
		strings.Contains(s, "..") || strings.Contains(s, "//") || strings.Contains(s, "@{") || s == "@"
	if bad {
		f.add(field, left4me.NewError(left4me.Invalid, "git.no_ref", "ref", truncate(s)))
	}
}

// relative checks a path below a directory; it may be empty.
func (f *fields) relative(field, s string) {
	if s != "" && !cleanPath(s) {
		f.add(field, left4me.NewError(left4me.Invalid, "path.not_beneath", "path", truncate(s)))
	}
}

func (f *fields) globs(field string, all []string) {
	if len(all) > maxGlobs {
		f.add(field, left4me.NewError(left4me.Invalid, "path.too_many_patterns", "count", len(all), "limit", maxGlobs))
		return
	}
	for i, g := range all {
		if _, err := path.Match(g, ""); err != nil || !cleanPath(g) {
			f.add(fmt.Sprintf("%s[%d]", field, i), left4me.NewError(left4me.Invalid, "path.pattern_not_beneath", "path", truncate(g)))
		}
	}
}

// cleanPath reports whether s is a clean relative path that stays below its directory.
func cleanPath(s string) bool {
	return len(s) <= maxPath && utf8.ValidString(s) && path.Clean(s) == s && s != "." && s != ".." &&
		!strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "../") && !strings.ContainsFunc(s, control) && !strings.Contains(s, `\`)
}

// text checks text entered by users.
func (f *fields) text(field, s string, most int) {
	switch {
	case len(s) > most:
		f.add(field, left4me.NewError(left4me.Invalid, "field.too_many_bytes", "count", len(s), "limit", most))
	case !utf8.ValidString(s) || strings.ContainsFunc(strings.ReplaceAll(s, "\n", ""), control):
		f.add(field, left4me.NewError(left4me.Invalid, "field.not_plain"))
	}
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' }

// githubName reports whether s can be the name of an owner or a repository on GitHub.
func githubName(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 100 && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

// truncate truncates input for use in an error.
func truncate(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// checkRequest validates the options of a build.
func checkRequest(kind left4me.OverlayKind, r Request) error {
	var f fields
	f.text("note", r.Note, maxNote)
	repairs := r.Change != nil && len(r.Change.Repair) > 0
	switch {
	case repairs && (r.Promote != nil || r.Change.Upload != "" || r.Change.Replace || len(r.Change.Delete) > 0):
		f.add("change.repair", left4me.NewError(left4me.Invalid, "change.repair_alone"))
	case kind != left4me.FilesOverlay && r.Change != nil && !repairs:
		f.add("change", left4me.NewError(left4me.Invalid, "change.not_by_hand", "kind", kind))
	case kind != left4me.FilesOverlay && r.Promote != nil:
		f.add("promote", left4me.NewError(left4me.Invalid, "promote.other_kind", "kind", kind))
	case kind == left4me.FilesOverlay && (r.Change == nil) == (r.Promote == nil) && r.FromBackup == nil:
		f.add("change", left4me.NewError(left4me.Invalid, "change.nothing_to_make"))
	}
	if c := r.Change; c != nil {
		if c.Upload == "" && len(c.Delete) == 0 && !c.Replace && !repairs {
			f.add("change", left4me.NewError(left4me.Invalid, "change.nothing"))
		}
		if c.Base < left4me.NoRevision {
			f.add("change.base", left4me.NewError(left4me.Invalid, "change.base_invalid", "revision", c.Base))
		}
		f.paths("change.delete", c.Delete)
		f.moves("change.import.moves", c.Import.Moves)
		f.paths("change.repair", slices.DeleteFunc(slices.Clone(c.Repair), func(p string) bool { return p == "." }))
		f.texts("change.import.texts", c.Import.Texts)
	}
	if p := r.Promote; p != nil {
		if !p.Server.Valid() {
			f.add("promote.server", left4me.NewError(left4me.Invalid, "promote.server_missing"))
		}
		if len(p.Paths) == 0 {
			f.add("promote.paths", left4me.NewError(left4me.Invalid, "promote.no_file"))
		}
		f.paths("promote.paths", p.Paths)
	}
	return f.err()
}

// maxMoves is the maximum number of folder moves of an overlay.
const maxMoves = 1000

// CheckMoves validates moves of uploaded folders. field is their name in an error. Errors:
// left4me.Invalid.
func CheckMoves(field string, all []left4me.FolderMove) error {
	var f fields
	f.moves(field, all)
	return f.err()
}

// moves checks moves of uploaded folders.
func (f *fields) moves(field string, all []left4me.FolderMove) {
	if len(all) > maxMoves {
		f.add(field, left4me.NewError(left4me.Invalid, "move.too_many", "limit", maxMoves))
		return
	}
	for _, m := range all {
		for _, p := range []string{m.From, m.To} {
			if len(p) > maxPath || path.IsAbs(p) || p == ".." || strings.HasPrefix(path.Clean(p), "../") ||
				strings.ContainsFunc(p, unicode.IsControl) || !utf8.ValidString(p) {
				f.add(field, left4me.NewError(left4me.Invalid, "move.invalid", "from", truncate(m.From), "to", truncate(m.To)))
				return
			}
		}
		if m.From == "" {
			f.add(field, left4me.NewError(left4me.Invalid, "move.no_folder"))
			return
		}
	}
}

// texts checks the setting for texts that aren't plain UTF-8.
func (f *fields) texts(field, s string) {
	if s != "" && s != left4me.TextsAsIs {
		f.add(field, left4me.NewError(left4me.Invalid, "overlay.texts_invalid", "value", truncate(s), "known", left4me.TextsAsIs))
	}
}

func (f *fields) paths(field string, all []string) {
	if len(all) > maxDelete {
		f.add(field, left4me.NewError(left4me.Invalid, "path.too_many", "count", len(all), "limit", maxDelete))
		return
	}
	if i := slices.IndexFunc(all, func(s string) bool { return !cleanPath(s) }); i >= 0 {
		f.add(fmt.Sprintf("%s[%d]", field, i), left4me.NewError(left4me.Invalid, "path.not_in_overlay", "path", truncate(all[i])))
	}
}
