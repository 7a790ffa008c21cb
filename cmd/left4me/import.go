package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/control/legacyimport"
	"github.com/left4me/left4me/internal/host/legacyfiles"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/mountinfo"
	"github.com/left4me/left4me/internal/store"
)

// pythonDatabase is the new name of the database of the Python version if it has the same name as ours.
const pythonDatabase = "left4me-python.db"

// importOptions are the options of the command line.
type importOptions struct {
	from     string
	database string
	admins   []string
	apply    bool
}

// importReport lists what was done, or would be done, with a line for each object.
type importReport struct {
	Database string   `json:"database"`
	Applied  bool     `json:"applied"`
	Added    []string `json:"added"`
	There    []string `json:"there"` // exists already, unchanged
	NotTaken []string `json:"not_taken"`
	Remarks  []string `json:"remarks"`
}

func importCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use: "import --from-python DIR", Short: "Import data from the Python version of left4me", Args: noArguments,
		Long: `Import data from the Python version of left4me: users, blueprints, servers and
overlays from its database; the game, content and files written by servers from its
directory. Without --apply, it only shows the changes.

Stop left4me and all servers of both versions first. Existing objects are not
changed, so the command can be run again. Passwords remain valid.`,
	}
	getenv := addSettings(c)
	c.Flags().StringVar(&o.from, "from-python", "", "data directory of the Python version, such as "+defaultRoot)
	c.Flags().StringVar(&o.database, "database", "", "database of the Python version (default: found in its directory)")
	c.Flags().StringSliceVar(&o.admins, "admin", nil, "user to import as an administrator; may be repeated")
	c.Flags().BoolVar(&o.apply, "apply", false, "make the changes")
	_ = c.MarkFlagRequired("from-python") // the flag exists
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := readSettings(fromFile(getenv, packagedEnv))
		if err != nil {
			return left4me.NewError(left4me.Invalid, "usage.wrong", "reason", err.Error()).Because(err)
		}
		report, err := importPython(c.Context(), s, o)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(report)
		}
		_, err = io.WriteString(c.OutOrStdout(), report.text())
		return err
	}
	return c
}

func convertUpperCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "convert-upper NAME", Short: "Convert files that a server wrote under fuse-overlayfs",
		Args: cobra.ExactArgs(1),
		Long: "Convert the files that a server wrote under fuse-overlayfs for the kernel's\n" +
			"overlayfs: marks of removed files and of opaque directories. Stop left4me and all\n" +
			"servers first. Run it as root or as the owner of the files; it can be run again.",
	}
	getenv := addSettings(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := readSettings(fromFile(getenv, packagedEnv))
		if err != nil {
			return left4me.NewError(left4me.Invalid, "usage.wrong", "reason", err.Error()).Because(err)
		}
		n, err := left4me.ParseName(args[0])
		if err != nil {
			return err
		}
		unlock, err := lockStopped(c.Context(), s, s.root)
		if err != nil {
			return err
		}
		defer unlock()
		marks, err := legacyfiles.ConvertUpper(filepath.Join(s.root, "runtime", string(n), "upper"), true)
		if err != nil {
			return fmt.Errorf("convert %s: %w", n, err)
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "marks converted: %d\n", marks)
		return err
	}
	return c
}

// importPython imports everything, or determines what it would import.
func importPython(ctx context.Context, s settings, o importOptions) (importReport, error) {
	r := importReport{Applied: o.apply}
	from, err := filepath.Abs(o.from)
	if err != nil {
		return r, err
	}
	if o.apply {
		if err := os.MkdirAll(s.root, 0o751); err != nil {
			return r, fmt.Errorf("LEFT4ME_ROOT: %w", err)
		}
		unlock, err := lockStopped(ctx, s, from)
		if err != nil {
			return r, err
		}
		defer unlock()
	}
	var tables []store.Table
	if r.Database, tables, err = findPython(ctx, from, o.database); err != nil {
		return r, err
	}
	found := legacyimport.Read(tables, legacyimport.Options{Host: left4me.LocalHost, Admins: o.admins})
	r.NotTaken, r.Remarks = found.NotTaken, found.Remarks

	owner, err := ownerOf(s.root, r.Database)
	if err != nil {
		return r, err
	}
	if o.apply {
		left, err := owner.giveToRootOwner(s.root, from)
		if err != nil {
			return r, err
		}
		if left > 0 {
			r.Remarks = append(r.Remarks, fmt.Sprintf("%d files keep their owner, because files of another user link to them", left))
		}
		restore, err := owner.becomeRootOwner()
		if err != nil {
			return r, err
		}
		err = errors.Join(r.importFiles(s.root, from, found), r.importRows(ctx, s.root, found), restore())
		if err == nil {
			err = owner.giveUppersToGame(s.root, found)
		}
		return r, err
	}
	return r, errors.Join(r.importFiles(s.root, from, found), r.importRows(ctx, s.root, found))
}

// importFiles moves files to their new places.
func (r *importReport) importFiles(root, from string, found legacyimport.Found) error {
	f := legacyfiles.Files{From: from, Root: root, Apply: r.Applied}
	err := errors.Join(f.Installation(), f.Cache("workshop_cache"), f.Cache("global_overlay_cache"))
	known := map[string]bool{}
	for _, o := range found.Overlays {
		err = errors.Join(err, f.Overlay(o.Name, o.Keys, o))
		for _, key := range o.Keys {
			known[filepath.Base(key)] = true
		}
	}
	f.Unknown(known)
	for _, v := range found.Servers {
		err = errors.Join(err, f.Upper(v.Name, v.Keys))
	}
	r.Added, r.There = append(r.Added, f.Added...), append(r.There, f.There...)
	r.NotTaken, r.Remarks = append(r.NotTaken, f.NotTaken...), append(r.Remarks, f.Remarks...)
	return err
}

// importRows adds the objects to the database; a dry run uses a copy.
func (r *importReport) importRows(ctx context.Context, root string, found legacyimport.Found) error {
	ours := filepath.Join(root, databaseName)
	python := r.Database == ours // our database needs its name
	switch {
	case !r.Applied:
		dir, err := os.MkdirTemp("", "left4me-import-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		trial := filepath.Join(dir, databaseName)
		if !python {
			if err := copyDatabase(ours, trial); err != nil {
				return err
			}
		}
		ours = trial
	case python:
		r.Database = filepath.Join(root, pythonDatabase)
		for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
			if err := os.Rename(ours+suffix, r.Database+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		r.Remarks = append(r.Remarks, "the old database was renamed to "+r.Database)
	}
	st, err := store.Open(ctx, ours)
	if err != nil {
		return err
	}
	defer st.Close()
	done, err := legacyimport.Apply(ctx, st, found)
	r.Added, r.There = append(r.Added, done.Added...), append(r.There, done.There...)
	r.NotTaken = append(r.NotTaken, done.NotTaken...)
	return err
}

func copyDatabase(from, to string) error {
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+suffix, b, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findPython finds the database of the Python version: the only file with known tables that is not our
// own database.
func findPython(ctx context.Context, from, named string) (path string, tables []store.Table, err error) {
	names := []string{named}
	if named == "" {
		names = nil
		for _, dir := range []string{".", "instance", "data", "db", "database", "var"} {
			for _, ext := range []string{"db", "sqlite", "sqlite3"} {
				some, _ := filepath.Glob(filepath.Join(from, dir, "*."+ext)) // the pattern is valid
				names = append(names, some...)
			}
		}
	}
	var why []string
	for _, n := range names {
		all, err := store.ReadForeign(ctx, n)
		switch {
		case err != nil:
			why = append(why, err.Error())
		case slices.ContainsFunc(all, func(t store.Table) bool { return t.Name == "goose_db_version" }):
			why = append(why, n+" is the database of this version of left4me")
		case !legacyimport.Recognised(all):
			why = append(why, n+" contains no servers or blueprints")
		case path != "":
			return "", nil, left4me.NewError(left4me.Conflict, "legacy_import.database_ambiguous", "path", path, "other", n)
		default:
			path, tables = n, all
		}
	}
	if path == "" {
		return "", nil, left4me.NewError(left4me.NotFound, "legacy_import.no_database", "dir", from, "reason", strings.Join(why, "; "))
	}
	return path, tables, nil
}

// lockStopped takes the lock that serve holds, and checks that no server uses the files to be moved,
// including through a mount of the Python version.
func lockStopped(ctx context.Context, s settings, from string) (unlock func(), err error) {
	if unlock, err = lockRoot(s.root); err != nil {
		return nil, err
	}
	if err = requireNoServers(ctx, s); err == nil {
		err = requireNoMounts(s.root, from)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

func requireNoMounts(dirs ...string) error {
	points, err := mountinfo.Self()
	if err != nil {
		return err
	}
	for _, point := range points {
		for _, dir := range dirs {
			if strings.HasPrefix(point, filepath.Join(dir, "runtime")+"/") ||
				strings.HasPrefix(point, filepath.Join(dir, "instances")+"/") {
				return left4me.NewError(left4me.Busy, "legacy_import.mounted", "path", point)
			}
		}
	}
	return nil
}

// text formats the report for users.
func (r importReport) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "database %s\n", r.Database)
	added := "imported"
	if !r.Applied {
		added = "to be imported"
	}
	for _, part := range []struct {
		title string
		lines []string
	}{
		{added, r.Added}, {"existing, unchanged", r.There}, {"notes", r.Remarks}, {"not imported", r.NotTaken},
	} {
		if len(part.lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n", part.title)
		for _, l := range part.lines {
			fmt.Fprintf(&b, "  %s\n", printable(l))
		}
	}
	if !r.Applied {
		fmt.Fprint(&b, "\nNothing was changed. To make the changes, stop left4me and run the command again with --apply.\n")
	}
	return b.String()
}

// printable replaces characters from a database that could control a terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}
