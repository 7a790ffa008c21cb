package main

import (
	"errors"
	"fmt"
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
	c := left4me.Check{Name: "database", State: left4me.CheckOK}
	path, known := filepath.Join(s.root, databaseName), store.Schema()
	have, err := store.SchemaOf(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Text = "it is made at the first start"
	case errors.Is(err, fs.ErrPermission) && !ownRoot(s.root):
		c.State, c.Text, c.Mend = left4me.CheckSkipped, path+" can't be read by this user", s.reader.AsRoot("left4me doctor")+" can"
	case err != nil:
		c.State, c.Text, c.Mend = left4me.CheckBroken, err.Error(), "let the user that left4me runs as read it"
	case have > known:
		why := store.TooNew(have, known)
		c.State, c.Text, c.Mend = left4me.CheckBroken, path+": "+why.Text, why.Hint
	default:
		c.Text = fmt.Sprintf("its schema is known, up to version %d", known)
	}
	return c
}
