package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/store"
)

// checkDatabase sees whether this program knows the schema of the database.
func checkDatabase(root string) left4me.Check {
	c := left4me.Check{Name: "database", State: left4me.CheckOK}
	path, known := filepath.Join(root, databaseName), store.Schema()
	have, err := store.SchemaOf(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Text = "it is made at the first start"
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
