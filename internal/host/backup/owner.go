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

// Users and group of the package.
const (
	ownUser   = "left4me"
	gameUser  = "left4me-game"
	gameGroup = "left4me-game"
)

// owner is a numeric user and group id.
type owner struct{ uid, gid int }

// receivers holds the owners of restored files. A nil pointer means that owners are not changed.
type receivers struct {
	own  owner // user of left4me, and its group
	game owner // user of the game, and the group through which the panel reads
}

// of returns the owner of a restored file: the archived user and group if they are the package's,
// otherwise the default of the directory.
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

// packaged returns the users of the package if they exist on this machine.
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
