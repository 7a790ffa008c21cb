package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// configs implements `configs DIR [SHARE]`: it creates a competitive configuration with SourceMod, of
// the typical shape and size: more than 3,000 files, or one in SHARE of them.
func configs(ts *testscript.TestScript, _ bool, args []string) {
	dir, random := ts.MkAbs(args[0]), rand.New(rand.NewPCG(1, 2))
	n, share := 0, 1
	if len(args) > 1 {
		var err error
		share, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	put := func(mode fs.FileMode, format string, a ...any) {
		n++
		file := filepath.Join(dir, fmt.Sprintf(format, a...))
		b := make([]byte, random.IntN(2000))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
		ts.Check(os.WriteFile(file, append(b, fmt.Sprint(n)...), mode))
	}
	put(0o644, "addons/metamod.vdf")
	put(0o755, "addons/metamod/bin/server.so")
	put(0o755, "addons/sourcemod/scripting/spcomp")
	for i := range 400 / share {
		put(0o644, "addons/sourcemod/plugins/optional/plugin_%03d.smx", i)
		put(0o644, "addons/sourcemod/scripting/plugin_%03d.sp", i)
	}
	for i := range 200 / share {
		put(0o644, "addons/sourcemod/gamedata/game %d.txt", i)
	}
	for _, language := range []string{"chi", "de", "es", "fr", "hu", "jp", "ko", "no", "pl", "pt", "ru", "sv", "th", "tr", "ua", "zho"} {
		for i := range 50 / share {
			put(0o644, "addons/sourcemod/translations/%s/plugin_%02d.phrases.txt", language, i)
		}
	}
	for _, mod := range []string{
		"zonemod", "zm1v1", "zm2v2", "zm3v3", "acemodrv", "apex", "deadman", "eq", "neomod", "nextmod", "pmelite",
		"zonehunters", "zoneretro",
	} {
		put(0o644, "cfg/cfgogl/%s/confogl.cfg", mod)
		put(0o644, "cfg/cfgogl/%s/confogl_plugins.cfg", mod)
		for i := range 60 / share {
			put(0o644, "cfg/stripper/%s/maps/c%dm%d_map.cfg", mod, i/5+1, i%5+1)
		}
	}
	for i := range 450 / share {
		put(0o644, "scripts/vscripts/addon/part %d/script_%03d.nut", i%9, i)
	}
	put(0o644, "addons/sourcemod/data/ünï cödé/地图 Карта.txt")
	put(0o644, "addons/sourcemod/data/it's (a) [test] & 100%%.txt")
	put(0o644, "cfg/.hidden.cfg")
	put(0o644, "addons/workshop maps.vpk")
	if n < 3000/share {
		ts.Fatalf("only %d files", n)
	}
}

// merged implements `merged NAME DIR`: a running server sees each file of DIR in its left4dead2, byte
// for byte.
func merged(ts *testscript.TestScript, neg bool, args []string) {
	where := filepath.Join(storyOf(ts).root, "runtime", args[0], "merged")
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	ts.Check(err)
	for _, cwd := range links {
		// The link of a process points into its mount namespace, where the stack is mounted.
		if to, err := os.Readlink(cwd); err == nil && to == where {
			same(ts, neg, []string{args[1], filepath.Join(cwd, "left4dead2")})
			return
		}
	}
	ts.Fatalf("no process of %s sees a merged directory", args[0])
}

// same implements `same DIR OTHER`: each file of DIR is in OTHER, byte for byte, and executable there
// if it is executable in DIR.
func same(ts *testscript.TestScript, neg bool, args []string) {
	dir, other := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	files := 0
	differs := ""
	ts.Check(filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && d.Name() == ".git" {
				return fs.SkipDir
			}
			return err
		}
		files++
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		got, gerr := os.ReadFile(filepath.Join(other, rel))
		is, serr := os.Stat(filepath.Join(other, rel))
		was, err := os.Stat(p)
		if err != nil {
			return err
		}
		if gerr != nil || serr != nil || !bytes.Equal(got, want) || is.Mode()&0o100 != was.Mode()&0o100 {
			differs = rel
		}
		return nil
	}))
	if files == 0 {
		ts.Fatalf("%s has no files", dir)
	}
	if (differs != "") != neg {
		ts.Fatalf("%s of %d files differs: %q", args[1], files, differs)
	}
}
