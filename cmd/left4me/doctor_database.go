package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// ownRoot reports whether the user of this process owns the root directory.
func ownRoot(root string) bool {
	var st unix.Stat_t
	return unix.Stat(root, &st) == nil && st.Uid == uint32(os.Geteuid())
}

// checkDatabase checks whether this program supports the schema of the database.
func checkDatabase(s settings) left4me.Check {
	const name = "database"
	path, known := filepath.Join(s.root, databaseName), store.Schema()
	have, err := store.SchemaOf(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return left4me.NewCheck(left4me.CheckOK, name, "database.absent")
	case errors.Is(err, fs.ErrPermission) && !ownRoot(s.root):
		return notPermitted(s, name, path)
	case err != nil:
		return left4me.NewCheck(left4me.CheckBroken, name, "database.unreadable", "reason", left4me.ReasonOf(err))
	case have > known:
		return left4me.NewCheck(left4me.CheckBroken, name, "database.too_new", "path", path, "reason", store.TooNew(have, known))
	}
	return left4me.NewCheck(left4me.CheckOK, name, "database.ok", "version", known)
}
