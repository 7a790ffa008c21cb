// Package inspect checks the files of a layer before anybody plays with them:
// which campaigns they bring, and what will probably hurt players.
//
// It reads the directories of VPKs and small texts, never all of what is there,
// so that a layer of thousands of files and many gigabytes is checked in
// seconds. What it finds never keeps anybody from publishing. Checksums are left
// to Sums, for the files that are new.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// Bounds of what is inspected. What lies beyond is left out, never an error.
const (
	maxAddons   = 200      // more cost file handles and a long start: it is said
	maxPerKind  = 50       // warnings of one kind; then how many there are more
	maxText     = 1 << 20  // of one file
	maxTexts    = 64 << 20 // of all of a layer
	maxPacked   = 500_000  // names of files in add-ons that are compared
	maxSuspects = 5        // names that one warning lists
)

// Layer is one directory of a stack, with left4dead2/... beneath.
type Layer struct {
	Name left4me.Name // of the overlay; empty: of the game
	Dir  string
	Hint string // encoding of titles that are too short to tell; empty: the likeliest
}

// Tree checks a layer that is about to be published. dir has left4dead2/...
// beneath; no link in it leads out of it. The error is of ctx or of reading dir:
// what is wrong with single files are warnings, those of one kind together and at
// most some dozens of each. hint is the encoding of titles that are too short to
// tell, and may be empty.
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
	clashes([]*view{v}, &w)
	duplicates([]*view{v}, &w)
	tooMany(len(v.addons()), &w)
	campaigns = v.campaigns()
	return w.result(), campaigns, ctx.Err()
}

// Stack checks what layers, top first, have in common: add-ons with the same
// files, the same campaign twice. What Tree says of each layer alone isn't
// repeated. Of a file that two layers have at the same place only that of the
// upper one counts: players never see the other.
//
// below are the layers of the game beneath, of which only counts whether SourceMod,
// Metamod and what enables a tick rate are there; tick is the tick rate.
func Stack(ctx context.Context, layers []Layer, below []Layer, tick int) ([]left4me.Warning, error) {
	if len(layers) == 0 && tick <= defaultTick {
		return nil, ctx.Err()
	}
	var w list
	var views []*view
	seen := map[string]left4me.Name{}
	addons, names := 0, maxPacked
	for _, l := range layers {
		var alone list // what is wrong with the layer itself
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
				w.add(left4me.WarnScript, f,
					fmt.Sprintf("%s and %s both have this loose file: only that of %s is run", nameOf(upper), nameOf(l.Name),
						nameOf(upper)),
					"in VPKs of their own all of them are")
			} else if !hidden {
				seen[f] = l.Name
			}
		}
		addons += len(v.addons())
		views = append(views, v)
	}
	if len(layers) > 1 {
		clashes(views, &w)
		duplicates(views, &w)
		tooMany(addons, &w)
		spellings(views, &w)
	}
	missing(views, below, tick, &w)
	return w.result(), ctx.Err()
}

// Campaigns returns the campaigns of a layer, and for each file with maps that no
// mission names, one more without an ID, whose maps are under left4me.AnyMode.
// Overlay is l.Name. In a layer of the game, missions inside of its pak files count
// too.
func Campaigns(ctx context.Context, l Layer) ([]left4me.Campaign, error) {
	v, err := open(ctx, l, &list{}, new(int))
	if err != nil {
		return nil, err
	}
	defer v.close()
	return append(v.campaigns(), v.strays()...), ctx.Err()
}

// Sums compares every checksum of VPKs in a layer, by their paths: reading them
// takes as long as copying them, so whoever knows which are new names those.
// progress is told how many bytes were read, and may be nil. What isn't a VPK is
// left out. The error is of ctx or of dir.
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
			continue // Tree says so
		}
		if a.Misled() || !a.HasSums() {
			a.Close()
			continue // Tree says so: its sums tell nothing more
		}
		problems, err := a.Verify(ctx, progress)
		a.Close()
		if err != nil {
			return nil, err
		}
		problems = slices.DeleteFunc(problems, func(p vpk.Problem) bool { return errors.Is(p.Err, vpk.ErrMissing) })
		if len(problems) == 0 {
			continue
		}
		names := make([]string, len(problems))
		for i, p := range problems {
			if names[i] = p.Entry; p.Entry == "" {
				names[i] = "the archive itself"
			}
		}
		w.add(left4me.WarnBroken, p, "its checksums are wrong: "+some(names), "get it once more: it was damaged on its way")
	}
	return w.result(), ctx.Err()
}

func tooMany(addons int, w *list) {
	if addons > maxAddons {
		w.add(left4me.WarnTooMany, "",
			fmt.Sprintf("%d add-ons: the game opens all of them at its start, and has room for some hundred files", addons),
			fmt.Sprintf("leave out what isn't played; up to %d do no harm", maxAddons))
	}
}

// nameOf is what people call a layer.
func nameOf(n left4me.Name) string {
	if n == "" {
		return "the game"
	}
	return "overlay " + string(n)
}
