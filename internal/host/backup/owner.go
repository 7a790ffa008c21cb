package backup

import (
	"os/user"
	"strconv"
)

func userName(id string) string {
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return ""
}

func groupName(id string) string {
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return ""
}

// The users and the group of the package.
const (
	ownUser   = "left4me"
	gameUser  = "left4me-game"
	gameGroup = "left4me-game"
)

// owner is a user and a group by number.
type owner struct{ uid, gid int }

// receivers says to whom files are given; nobody changes an owner when it is nil.
type receivers struct {
	own  owner // the user that left4me runs as, and its group
	game owner // the user that the game runs as, and the group that the panel reads through
}

// of is who gets a file: its owners by name where they are ours, else those of
// the place where it stands.
func (r *receivers) of(in tree, top, uname, gname string) owner {
	o := r.own
	if in.game {
		o = r.game
	} else if top == "overlays" || top == "runtime" || top == "instances" {
		o.gid = r.game.gid
	}
	switch uname {
	case ownUser:
		o.uid = r.own.uid
	case gameUser:
		o.uid = r.game.uid
	}
	switch gname {
	case ownUser:
		o.gid = r.own.gid
	case gameGroup:
		o.gid = r.game.gid
	}
	return o
}

// packaged are the users of the package, when this machine has them.
func packaged() (*receivers, bool) {
	own, err := lookupUser(ownUser)
	if err != nil {
		return nil, false
	}
	game, err := lookupUser(gameUser)
	if err != nil {
		return nil, false
	}
	return &receivers{own: own, game: game}, true
}

func lookupUser(name string) (owner, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return owner{}, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return owner{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	return owner{uid, gid}, err
}
