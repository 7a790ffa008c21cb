package inspect

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

const vscripts = "scripts/vscripts/"

// ownScripts contains scripts that the game runs by name on every map. An add-on can replace one of
// them, but only one add-on at a time.
var ownScripts = func() map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(`mapspawn director_base scriptedmode response_testbed sm_utilities sm_resources sm_spawn
		sm_stages anv_functions anv_mapfixes coop realism versus survival scavenge`) {
		all[name+".nut"] = true
	}
	return all
}()

// checkScripts checks vscripts, both loose ones and those in add-ons.
func (v *view) checkScripts() {
	for _, f := range v.files {
		rest, ok := strings.CutPrefix(strings.ToLower(f), base+"/"+vscripts)
		if !ok || path.Ext(rest) != ".nut" {
			continue
		}
		if ownScripts[rest] {
			v.warn.add(left4me.NewWarning(left4me.WarnScript, f, "script.replaces_game", "file", nil))
		}
		b, err := v.text(f)
		if err != nil {
			continue
		}
		if line, problem := squirrel.check(string(b)); problem != nil {
			v.warn.add(left4me.NewWarning(left4me.WarnScript, f, "script.syntax", "file", nil, "line", line, "problem", problem))
		}
	}
	for _, p := range v.addons() {
		v.checkPacked(p)
	}
}

func (v *view) checkPacked(p *pack) {
	stem := strings.TrimSuffix(strings.ToLower(path.Base(p.path)), ".vpk")
	for _, mode := range p.modes {
		if _, has := p.find(vscripts + mode + ".nut"); has && mode != stem {
			mode = left4me.Clip(mode, maxListed)
			v.warn.add(left4me.NewWarning(left4me.WarnScript, p.path, "script.mode_needs_name", "mode", mode, "name", mode+".vpk"))
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(p.named)),
		func(n string) bool { return path.Ext(n) == ".nut" || path.Ext(n) == ".cfg" }) {
		return
	}
	a, err := vpk.OpenFS(v.root.FS(), p.path)
	if err != nil {
		return // readable a moment ago, so a warning would be misleading
	}
	defer a.Close()
	for _, e := range a.Entries() {
		name := strings.ToLower(e.Path)
		if path.Ext(name) == ".cfg" || path.Ext(name) == ".nut" {
			v.checkPackedText(p, a, e)
		}
		rest, ok := strings.CutPrefix(name, vscripts)
		if !ok || path.Ext(rest) != ".nut" {
			continue
		}
		if ownScripts[rest] {
			v.warn.add(left4me.NewWarning(left4me.WarnScript, p.path, "script.replaces_game", "file", name))
		}
		b, err := v.packedText(a, e)
		if err != nil {
			continue
		}
		if line, problem := squirrel.check(string(b)); problem != nil {
			v.warn.add(left4me.NewWarning(left4me.WarnScript, p.path, "script.syntax", "file", name, "line", line,
				"problem", problem))
		}
	}
}

// checkPackedText warns about problems in a text of an add-on. Repairing it requires repacking the
// add-on.
func (v *view) checkPackedText(p *pack, a *vpk.Archive, e vpk.Entry) {
	reader := gametext.ReaderOf(base + "/" + e.Path)
	if reader == gametext.Unread {
		return
	}
	b, err := v.packedText(a, e)
	if err != nil {
		return
	}
	for _, f := range gametext.Check(reader, b) {
		v.warn.add(left4me.NewWarning(left4me.WarnText, p.path, "text.finding_packed",
			"file", left4me.Clip(strings.ToLower(e.Path), maxListed),
			"count", len(f.Rows), "lines", optional(f.Lines()), "problem", f.Problem))
	}
}

func (v *view) packedText(a *vpk.Archive, e vpk.Entry) ([]byte, error) {
	if e.Size > maxText || e.Size > v.texts {
		return nil, errTooLong
	}
	v.texts -= e.Size
	b := make([]byte, e.Size)
	n, err := a.Reader(e).ReadAt(b, 0)
	if int64(n) < e.Size {
		return nil, err
	}
	return b, nil
}
