package store

import (
	"cmp"

	"github.com/left4me/left4me/internal/left4me"
)

// requesterColumns lists the columns of an actor in the tables job and rollout.
const requesterColumns = `asked_by, asked_by_id, asked_kind, asked_token`

// requester holds the values of requesterColumns.
type requester struct {
	name  string // displayed name; for a token that of its owner
	id    left4me.ID
	kind  left4me.ActorKind
	token string // label of a token
}

func requesterOf(v left4me.Actor) requester {
	a := requester{name: v.String(), id: v.ID, kind: cmp.Or(v.Kind, left4me.SystemActor)}
	if v.Kind == left4me.TokenActor {
		a.token = v.Name
	}
	return a
}

func (a requester) actor() left4me.Actor {
	if a.kind == left4me.TokenActor {
		return left4me.Actor{Kind: a.kind, ID: a.id, Name: a.token, Owner: a.name}
	}
	return left4me.Actor{Kind: a.kind, ID: a.id, Name: a.name}
}
