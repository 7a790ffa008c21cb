// Package legacyfiles imports the files of the older left4me, which was written in Python: its
// installation, overlays, caches, and the writable layers of its servers.
//
// Files under left4me's own root are renamed to their new place. Files elsewhere are hard-linked,
// so that nothing is copied and the old place keeps them; only writable layers are moved from
// there, because two servers must not share writable files. Each directory is prepared in tmp/ and
// renamed into place, so an import may be interrupted at any moment and repeated. A dry run changes
// nothing.
//
// The import must run with the permissions of the user who owns the files. Own makes that user the
// owner first and is the only part that needs root.
package legacyfiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// NoteName is the file beside the revisions of an overlay with the data of the older left4me.
const NoteName = "import.json"

// Files is one run of the import and its result, one line per imported thing.
type Files struct {
	From  string // root of the older left4me
	Root  string // root of this left4me; may be the same
	Apply bool   // false: dry run

	Added    []string
	There    []string // existed already and was left unchanged
	NotTaken []string
	Remarks  []string
}

// Installation imports the game.
func (f *Files) Installation() error {
	from, to := filepath.Join(f.From, "installation"), filepath.Join(f.Root, "installation", "base")
	if !exists(to) && !exists(f.staged("installation")) && !exists(filepath.Join(from, "srcds_run")) {
		f.NotTaken = append(f.NotTaken, "installation: there is no "+filepath.Join(from, "srcds_run")+"; left4me game install gets it")
		return nil
	}
	return f.place("installation", from, to)
}

// Overlay imports the files of an overlay, which are in a directory named by one of keys, as its
// first revision, and writes note beside it. An overlay without files gets an empty revision, so
// that servers with it can start.
func (f *Files) Overlay(n left4me.Name, keys []string, note any) error {
	dir := filepath.Join(f.Root, "overlays", string(n))
	to, what := filepath.Join(dir, "1"), "overlay "+string(n)
	from := ""
	for _, key := range keys {
		if c := f.find("overlays", key); c != "" && !revisions(c) {
			from = c
			break
		}
	}
	if from == "" && len(keys) > 0 && exists(f.staged(what)) {
		from = filepath.Join(f.From, "overlays", keys[0]) // an interrupted run has renamed it already
	}
	if from == "" && !revisions(dir) {
		f.Remarks = append(f.Remarks, what+" has no files: it is empty until it is built")
		if f.Apply {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
		}
	} else if revisions(dir) {
		f.There = append(f.There, what)
	} else if err := f.place(what, from, to); err != nil {
		return err
	}
	if !f.Apply || exists(filepath.Join(dir, NoteName)) || !exists(dir) {
		return nil
	}
	b, err := json.MarshalIndent(note, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, NoteName), append(b, '\n'), 0o644)
}

// Cache imports a directory of downloads.
func (f *Files) Cache(name string) error {
	from, to := filepath.Join(f.From, name), filepath.Join(f.Root, name)
	if !exists(from) && !exists(f.staged(name)) {
		return nil
	}
	return f.place(name, from, to)
}

// Unknown reports directories among the old overlays that belong to no known overlay.
func (f *Files) Unknown(taken map[string]bool) {
	entries, _ := os.ReadDir(filepath.Join(f.From, "overlays"))
	for _, e := range entries {
		dir := filepath.Join(f.From, "overlays", e.Name())
		if e.IsDir() && !taken[e.Name()] && !revisions(dir) {
			f.NotTaken = append(f.NotTaken, dir+": the database doesn't know it")
		}
	}
}

// Upper imports the writable layer of a server, which is in a directory named by one of keys.
func (f *Files) Upper(n left4me.Name, keys []string) error {
	to, what := filepath.Join(f.Root, "runtime", string(n), "upper"), "what server "+string(n)+" wrote"
	from := to
	for _, key := range keys {
		if c := f.find("runtime", key); c != "" && exists(filepath.Join(c, "upper")) {
			from = filepath.Join(c, "upper")
			break
		}
	}
	switch {
	case !exists(from) && !exists(to):
		return nil
	case exists(to) || from == to:
		f.There = append(f.There, what)
		from = to
	case !f.Apply:
		f.Added = append(f.Added, what+": "+from+" is moved to "+to)
	default:
		err := os.MkdirAll(filepath.Dir(to), 0o771)
		if err == nil {
			err = os.Rename(from, to)
		}
		if errors.Is(err, unix.EXDEV) {
			f.NotTaken = append(f.NotTaken, f.otherDisk(what, from, to))
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		f.Added = append(f.Added, what)
		from = to
	}
	marks, err := ConvertUpper(from, f.Apply)
	if marks > 0 && err == nil {
		f.Added = append(f.Added, fmt.Sprintf("%s: %d marks of fuse-overlayfs become the kernel's", what, marks))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// find returns a directory of the older left4me. key is its name, its absolute path, or its path
// relative to the legacy root.
func (f *Files) find(dir, key string) string {
	if rel, err := filepath.Rel(f.From, key); filepath.IsAbs(key) && err == nil {
		key = rel
	}
	key = strings.TrimPrefix(filepath.Clean(key), dir+"/")
	if key == "." || !filepath.IsLocal(key) {
		return ""
	}
	c := filepath.Join(f.From, dir, key)
	if st, err := os.Lstat(c); err != nil || !st.IsDir() {
		return ""
	}
	return c
}

func (f *Files) staged(what string) string {
	return filepath.Join(f.Root, "tmp", "import-"+strings.ReplaceAll(what, " ", "-"))
}

// place moves or links a directory to its new place.
func (f *Files) place(what, from, to string) error {
	if exists(to) {
		f.There = append(f.There, what)
		return nil
	}
	rel, err := filepath.Rel(f.Root, from)
	ours := err == nil && filepath.IsLocal(rel)
	if !f.Apply {
		how := "is renamed to"
		if !ours {
			how = "is hard-linked to"
		}
		f.Added = append(f.Added, fmt.Sprintf("%s: %s %s %s", what, from, how, to))
		return nil
	}
	staged := f.staged(what)
	err = os.MkdirAll(filepath.Dir(staged), 0o751)
	switch {
	case err != nil:
	case !ours:
		if err = os.RemoveAll(staged); err == nil { // partial links of an interrupted run
			err = f.linkTree(from, staged)
		}
	case !exists(staged): // otherwise an interrupted run has renamed it already
		err = os.Rename(from, staged)
	}
	if errors.Is(err, unix.EXDEV) {
		f.NotTaken = append(f.NotTaken, f.otherDisk(what, from, to))
		return os.RemoveAll(staged)
	}
	if err == nil {
		err = f.ownLinks(what, staged, from)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.Rename(staged, to)
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(to))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	f.Added = append(f.Added, what)
	return nil
}

func (f *Files) otherDisk(what, from, to string) string {
	return fmt.Sprintf("%s: %s is on another file system than %s; copy it: cp -a %s %s", what, from, f.Root, from, to)
}

// linkTree copies a directory tree with hard links instead of copied files.
func (f *Files) linkTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		into := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.Mkdir(into, 0o755)
		case d.Type().IsRegular():
			return os.Link(name, into)
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(target, into)
		}
		f.NotTaken = append(f.NotTaken, name+": it is neither a file nor a directory nor a link")
		return nil
	})
}

// ownLinks replaces symbolic links to files elsewhere in the old root by hard links. The old
// overlays had such links to the cache, but a game can access only its layers.
func (f *Files) ownLinks(what, tree, was string) error {
	return filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() != fs.ModeSymlink {
			return err
		}
		target, err := os.Readlink(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(tree, name)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(was, filepath.Dir(rel), target)
			if inside(was, target) {
				return nil // the target moves together with the link
			}
		}
		real, ok := f.content(target)
		if !ok {
			f.NotTaken = append(f.NotTaken,
				fmt.Sprintf("%s: %s is a link to %s, which is no content of the old left4me", what, rel, target))
			return nil
		}
		fresh := name + ".import"
		if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Link(real, fresh); err != nil {
			return err
		}
		return os.Rename(fresh, name)
	})
}

// content returns the file that a name leads to, if servers may see it. A link to the database, for
// example, must not become part of a layer.
func (f *Files) content(name string) (real string, ok bool) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", false
	}
	from, err := filepath.EvalSymlinks(f.From)
	if err != nil {
		return "", false
	}
	st, err := os.Lstat(real)
	if err != nil || !st.Mode().IsRegular() {
		return "", false
	}
	for _, dir := range []string{"workshop_cache", "global_overlay_cache", "overlays", "installation"} {
		if inside(filepath.Join(from, dir), real) {
			return real, true
		}
	}
	return "", false
}

func inside(dir, name string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// revisions reports whether a directory contains revisions, as those of this left4me do, and
// nothing else.
func revisions(dir string) bool {
	entries, err := os.ReadDir(dir)
	found := false
	for _, e := range entries {
		_, nerr := strconv.ParseUint(e.Name(), 10, 32)
		switch {
		case nerr == nil && e.IsDir():
			found = true
		case e.Name() != NoteName:
			return false
		}
	}
	return err == nil && found
}
