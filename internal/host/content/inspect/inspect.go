// Package inspect checks the files of a layer before it is used: which campaigns it contains, and
// which of its content will probably cause problems for players.
//
// It reads the directories of VPKs and small texts but never all data, so that a layer with
// thousands of files and many gigabytes takes seconds. Problems are warnings and never prevent
// publishing. Checksums are verified separately by Sums, for new files only.
package inspect

import (
	"context"
	"errors"
	"os"
	"path"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// Bounds of the inspection. Content beyond them is ignored without an error.
const (
	maxAddons   = 200      // more cause a warning: each takes a file handle and slows down the start
	maxPerKind  = 50       // warnings of one kind; the rest is only counted
	maxText     = 1 << 20  // bytes of one text
	maxTexts    = 64 << 20 // bytes of all texts of a layer
	maxPacked   = 500_000  // compared files in add-ons
	maxSuspects = 5        // names listed in one warning
)

// Layer is one directory of a stack; it contains left4dead2/...
type Layer struct {
	Name left4me.Name // name of the overlay; empty for a layer of the game
	Dir  string
	Hint string // encoding of titles that are too short to detect it; empty: the most likely
}

// Tree checks a layer that is about to be published. dir contains left4dead2/... and no link that
// leads out of it. hint is the encoding of titles that are too short to detect it; it may be empty.
// Problems in single files are warnings, at most some dozens of each kind. The error is that of ctx
// or of reading dir.
func Tree(ctx context.Context, dir, hint string) (warnings []left4me.Warning, campaigns []left4me.Campaign, err error) {
	var w list
	names := maxPacked
	v, err := open(ctx, Layer{Dir: dir, Hint: hint}, &w, &names)
	if err != nil {
		return nil, nil, err
	}
	defer v.close()
	v.checkNames()
	if err := v.checkPlaces(ctx); err != nil {
		return nil, nil, err
	}
	v.checkPrograms()
	v.checkScripts()
	if err := v.checkTexts(ctx); err != nil {
		return nil, nil, err
	}
	v.checkMaps()
	warnConflicts([]*view{v}, &w)
	warnDuplicates([]*view{v}, &w)
	tooMany(len(v.addons()), &w)
	campaigns = v.campaigns()
	return w.result(), campaigns, ctx.Err()
}

// Stack checks layers, topmost first, for problems between them, such as add-ons with the same
// files or a campaign that occurs twice. It doesn't repeat the warnings of Tree. Of files at the
// same path, only the topmost counts, because players never see the others.
//
// below contains the layers of the game, which are only searched for SourceMod, Metamod and a tick
// rate enabler. tick is the tick rate.
func Stack(ctx context.Context, layers []Layer, below []Layer, tick int) ([]left4me.Warning, error) {
	if len(layers) == 0 && tick <= defaultTick {
		return nil, ctx.Err()
	}
	var w list
	var views []*view
	seen := map[string]left4me.Name{}
	addons, names := 0, maxPacked
	for _, l := range layers {
		var alone list // discards warnings about the layer itself
		v, err := open(ctx, l, &alone, &names)
		if err != nil {
			return nil, err
		}
		defer v.close()
		v.packs = slices.DeleteFunc(v.packs, func(p *pack) bool {
			_, hidden := seen[p.path]
			return hidden
		})
		for _, f := range v.files {
			if upper, hidden := seen[f]; hidden && everyAddons[path.Base(f)] && path.Base(path.Dir(f)) == "vscripts" {
				w.add(left4me.NewWarning(left4me.WarnScript, f, "script.hidden", "upper", upper, "lower", l.Name))
			} else if !hidden {
				seen[f] = l.Name
			}
		}
		addons += len(v.addons())
		views = append(views, v)
	}
	if len(layers) > 1 {
		warnConflicts(views, &w)
		warnDuplicates(views, &w)
		tooMany(addons, &w)
		warnSpellings(views, &w)
	}
	warnMissingDependencies(views, below, tick, &w)
	return w.result(), ctx.Err()
}

// Campaigns returns the campaigns of a layer. For each file with maps that no mission names, it
// adds a campaign without an ID whose maps are under left4me.AnyMode. Overlay is l.Name. In a layer
// of the game, missions inside its pak files count, too.
func Campaigns(ctx context.Context, l Layer) ([]left4me.Campaign, error) {
	v, err := open(ctx, l, &list{}, new(int))
	if err != nil {
		return nil, err
	}
	defer v.close()
	return append(v.campaigns(), v.mapsWithoutMission()...), ctx.Err()
}

// Sums verifies the checksums of VPKs, given by their paths in a layer. It reads all of their data,
// so callers should only pass new files. progress receives the number of bytes read and may be nil.
// Other files are skipped. The error is that of ctx or of reading dir.
func Sums(ctx context.Context, dir string, paths []string, progress func(bytes int64)) ([]left4me.Warning, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var w list
	for _, p := range paths {
		if path.Ext(p) != ".vpk" || part().MatchString(p) {
			continue
		}
		a, err := vpk.OpenFS(root.FS(), p)
		if err != nil {
			continue // Tree warns about it
		}
		warning, found, err := wrongSums(ctx, p, a, progress)
		a.Close()
		if err != nil {
			return nil, err
		}
		if found {
			w.add(warning)
		}
	}
	return w.result(), ctx.Err()
}

// wrongSums verifies the checksums of a VPK, given by its path in a layer, and returns a warning about
// wrong ones. The error is that of ctx.
func wrongSums(ctx context.Context, p string, a *vpk.Archive, progress func(bytes int64)) (w left4me.Warning, found bool, err error) {
	if a.WrongDataOffset() || !a.HasSums() {
		return w, false, nil // Tree warns about it, and the sums are useless
	}
	problems, err := a.Verify(ctx, progress)
	if err != nil {
		return w, false, err
	}
	problems = slices.DeleteFunc(problems, func(p vpk.Problem) bool { return errors.Is(p.Err, vpk.ErrMissing) })
	if len(problems) == 0 {
		return w, false, nil
	}
	names := make([]string, len(problems))
	for i, problem := range problems {
		if names[i] = problem.Entry; problem.Entry == "" {
			names[i] = path.Base(p) // the archive as a whole
		}
	}
	list, more := some(names)
	return left4me.NewWarning(left4me.WarnBroken, p, "addon.checksums_wrong", "names", list, "more", more), true, nil
}

func tooMany(addons int, w *list) {
	if addons > maxAddons {
		w.add(left4me.NewWarning(left4me.WarnTooMany, "", "addon.too_many", "number", addons, "limit", maxAddons))
	}
}
