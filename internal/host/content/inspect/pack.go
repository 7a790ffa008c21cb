package inspect

import (
	"context"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// Pack holds the problems of one VPK, regardless of its place in a layer.
type Pack struct {
	warnings []left4me.Warning // without a path
	parts    []string          // base names of the data files
}

// CheckPack reads a VPK and verifies its checksums. name is its base name and opened the result of opening
// it; CheckPack closes it. The error is that of ctx.
func CheckPack(ctx context.Context, name string, a *vpk.Archive, opened error) (p Pack, err error) {
	var w list
	v := &view{warn: &w}
	if opened != nil {
		v.unreadable(name, opened)
	} else {
		defer a.Close()
		p.parts = a.Parts()
		if !v.faults(name, a, true) {
			wrong, found, err := wrongSums(ctx, name, a, nil)
			if err != nil {
				return p, err
			}
			if found {
				w.add(wrong)
			}
		}
	}
	p.warnings = w.result()
	for i := range p.warnings {
		p.warnings[i].Path = ""
	}
	return p, nil
}

// At returns the warnings about the VPK at a path of a layer. has reports whether the layer has a file.
// Like Tree, At ignores data files whose _dir.vpk exists, and VPKs that are no add-ons.
func (p Pack) At(to string, has func(p string) bool) (all []left4me.Warning) {
	if !isAddonsDir(strings.ToLower(path.Dir(to))) || part().MatchString(to) && has(part().ReplaceAllString(to, "_dir.vpk")) {
		return nil
	}
	for _, w := range p.warnings {
		w.Path = to
		all = append(all, w)
	}
	if w, found := missingParts(to, p.parts, has); found {
		all = append(all, w)
	}
	return all
}

// IsPack reports whether a file is a VPK, by its name.
func IsPack(p string) bool { return strings.EqualFold(path.Ext(p), ".vpk") }
