package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/left4me/left4me/internal/control/legacyimport"
	"github.com/left4me/left4me/internal/host/legacyfiles"
)

// importOwner is the new owner of the imported files. Without root privileges it is always the current
// user.
type importOwner struct {
	was       int // previous owner
	uid, gid  int // owner of the root directory
	game      int // the game's user, or uid
	gameGroup int // its group, or gid
}

// ownerOf determines the owners. Only root changes owners.
func ownerOf(root, database string) (importOwner, error) {
	o := importOwner{uid: os.Geteuid(), gid: os.Getegid()}
	if o.uid != 0 {
		return o, nil
	}
	st, err := os.Stat(root)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	old, derr := os.Stat(database)
	if err := errors.Join(err, derr); err != nil {
		return o, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	was, wok := old.Sys().(*syscall.Stat_t)
	if !ok || !wok {
		return o, fmt.Errorf("%s: the owner cannot be determined", root)
	}
	o.was, o.uid, o.gid = int(was.Uid), int(sys.Uid), int(sys.Gid)
	o.game, o.gameGroup = o.uid, o.gid
	if u, err := user.Lookup(gameGroup); err == nil && o.uid != 0 {
		uid, uerr := strconv.Atoi(u.Uid)
		gid, gerr := strconv.Atoi(u.Gid)
		if err := errors.Join(uerr, gerr); err != nil {
			return o, fmt.Errorf("user %s: %w", gameGroup, err)
		}
		o.game, o.gameGroup = uid, gid
	}
	return o, nil
}

// changesOwner reports whether files must be given to another user.
func (o importOwner) changesOwner() bool { return os.Geteuid() == 0 && o.uid != 0 }

// giveToRootOwner gives the files to be imported to the owner of the root directory, so that the rest can be done
// with that user's rights: a user with write access there may have created links to attack root.
func (o importOwner) giveToRootOwner(root, from string) (left int, err error) {
	if !o.changesOwner() {
		return 0, nil
	}
	// lockRoot may just have created it as root, and serve needs it.
	if err := os.Lchown(filepath.Join(root, lockName), o.uid, o.gid); err != nil {
		return 0, err
	}
	for _, dir := range []string{"installation", "overlays", "workshop_cache", "global_overlay_cache", "runtime", "tmp"} {
		n, err := legacyfiles.Own(filepath.Join(from, dir), o.was, o.uid, o.gameGroup)
		if err != nil {
			return left, err
		}
		left += n
	}
	return left, nil
}

// becomeRootOwner switches this process to the owner of the root directory until restore is called.
func (o importOwner) becomeRootOwner() (restore func() error, err error) {
	if !o.changesOwner() {
		return func() error { return nil }, nil
	}
	groups, err := syscall.Getgroups()
	if err == nil {
		err = syscall.Setgroups([]int{o.gid, o.gameGroup})
	}
	if err == nil {
		err = syscall.Setresgid(-1, o.gid, -1)
	}
	if err == nil {
		err = syscall.Setresuid(-1, o.uid, -1)
	}
	if err != nil {
		return nil, fmt.Errorf("become the owner of LEFT4ME_ROOT: %w", err)
	}
	return func() error {
		return errors.Join(syscall.Setresuid(-1, 0, -1), syscall.Setresgid(-1, 0, -1), syscall.Setgroups(groups))
	}, nil
}

// giveUppersToGame gives the files written by servers to the user that servers run as.
func (o importOwner) giveUppersToGame(root string, found legacyimport.Found) error {
	if !o.changesOwner() || o.game == o.uid {
		return nil
	}
	for _, v := range found.Servers {
		if _, err := legacyfiles.Own(filepath.Join(root, "runtime", string(v.Name), "upper"), o.uid, o.game, o.gameGroup); err != nil {
			return err
		}
	}
	return nil
}
