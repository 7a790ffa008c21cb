// Package inspect looks at the files of a layer before anybody plays with them:
// which campaigns they bring, and what will probably hurt players.
//
// It reads the directories of VPKs and small texts, never all of what is there,
// so that a layer of thousands of files and many gigabytes is looked at in
// seconds. What it finds never keeps anybody from publishing.
package inspect

import (
	"context"

	"github.com/left4me/left4me"
)

// Layer is one directory of a stack, with left4dead2/... beneath.
type Layer struct {
	Name left4me.Name // of the overlay; empty: of the game
	Dir  string
}

// Tree looks at a layer that is about to be published. dir has left4dead2/...
// beneath; no link in it is followed. The error is of ctx or of reading dir:
// what is wrong with single files are warnings.
func Tree(ctx context.Context, dir string) (warnings []left4me.Warning, campaigns []left4me.Campaign, err error) {
	return nil, nil, ctx.Err()
}

// Stack looks at what layers, top first, have in common: add-ons with the same
// files, the same campaign twice. What Tree says of each layer alone isn't
// repeated.
func Stack(ctx context.Context, layers []Layer) ([]left4me.Warning, error) {
	return nil, ctx.Err()
}
