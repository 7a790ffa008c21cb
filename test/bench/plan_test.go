//go:build bench

package bench

import (
	"archive/zip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// plans is the source of a program that plans an upload repeatedly, as the host does, and prints
// the nanoseconds of one plan and the number of files placed. It starts itself as the decoder, as
// left4me does.
const plans = `package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/left4me/left4me/%s"
)

func main() {
	ctx := context.Background()
	if os.Args[1] == "decode" {
		if err := archive.Decode(ctx, os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	dir, err := os.OpenRoot(os.Args[1])
	if err != nil {
		panic(err)
	}
	const passes = 3
	start := time.Now()
	count := 0
	for range passes {
		found, err := archive.Open(ctx, dir, archive.Options{Scratch: os.TempDir(), Decoder: []string{os.Args[0], "decode"}%s})
		if err != nil {
			panic(err)
		}
		%s
		count = found.Plan().Count
		found.Close()
	}
	fmt.Println(time.Since(start).Nanoseconds()/passes, count)
}
`

// serverFiles writes the files of a repository with a complete server: 5,692 files, most of them
// texts, in their proper folders.
func serverFiles(t *testing.T, write func(name string, content []byte)) {
	t.Helper()
	const top = "server-main/left4dead2/"
	const sm = top + "addons/sourcemod/"
	text := func(line string, lines int) []byte { return []byte(strings.Repeat(line+"\n", lines)) }
	n := 0
	add := func(name string, content []byte) {
		write(name, content)
		n++
	}
	for i := range 900 {
		add(fmt.Sprintf(sm+"scripting/group%d/plugin_%d.sp", i%30, i),
			text("public void OnPluginStart() { RegConsoleCmd(\"sm_thing\", Thing); }", 150))
		add(fmt.Sprintf(sm+"plugins/group%d/plugin_%d.smx", i%30, i), noise(12<<10, byte(i)))
		add(fmt.Sprintf(top+"cfg/sourcemod/plugin_%d.cfg", i), text("// how long\nthing_time \"3\"", 20))
		add(fmt.Sprintf(sm+"gamedata/plugin_%d.txt", i),
			text("\"Games\" { \"left4dead2\" { \"Offsets\" { \"x\" { \"linux\" \"1\" } } } }", 30))
		for _, language := range []string{"", "chi/"} {
			add(fmt.Sprintf(sm+"translations/%splugin_%d.phrases.txt", language, i), text("\"Phrases\" { \"x\" { \"en\" \"Words\" } }", 20))
		}
	}
	for n < 5692 {
		add(fmt.Sprintf(top+"materials/set%d/picture_%d.vtf", n%10, n), noise(4<<10, byte(n)))
	}
}

// noise returns n bytes that hardly compress.
func noise(n int, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// TestPlanUpload plans an upload of 5,692 files, as a zip and as single files. The reference is an
// earlier commit, which chose one root for all files and read no contents.
func TestPlanUpload(t *testing.T) {
	if exec.Command("git", "cat-file", "-e", strictOnly).Run() != nil {
		t.Skip("this clone lacks the reference commit " + strictOnly)
	}
	dir := t.TempDir()
	zips, tree := filepath.Join(dir, "zip"), filepath.Join(dir, "files")
	for _, d := range []string{zips, tree} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(zips, "server-main.zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(f)
	serverFiles(t, func(name string, content []byte) {
		e, err := w.Create(name)
		if err == nil {
			_, err = e.Write(content)
		}
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(tree, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	run := func(dir, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	build := func(commit, archive, option, more string) string {
		t.Helper()
		src := filepath.Join(dir, commit)
		if err := os.Mkdir(src, 0o700); err != nil {
			t.Fatal(err)
		}
		run(".", "sh", "-c", `cd "$(git rev-parse --show-toplevel)" && git archive "$0" | tar -x -C "$1"`, commit, src)
		if err := os.MkdirAll(filepath.Join(src, "plans"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(src, "plans", "main.go"), fmt.Appendf(nil, plans, archive, option, more), 0o600); err != nil {
			t.Fatal(err)
		}
		run(src, "go", "build", "-o", "plans/plans", "./plans")
		return filepath.Join(src, "plans", "plans")
	}
	before, now := build(strictOnly, "host/archive", "", ""), build("HEAD", "internal/host/content/archive", ", Plan: true",
		"if err := found.Texts(ctx); err != nil { panic(err) }")
	timed := func(program, in string) time.Duration {
		t.Helper()
		var ns int64
		var count int
		out := run(".", program, in)
		if _, err := fmt.Sscan(out, &ns, &count); err != nil || count != 5692 {
			t.Fatalf("%s of 5,692 files placed: %v", strconv.Quote(out), err)
		}
		return time.Duration(ns)
	}
	fmt.Println("\n| planning 5,692 files | now | the build before | ratio, wanted ≤ 1.0 |\n| --- | --- | --- | --- |")
	for _, in := range []struct{ what, dir string }{{"as a zip", zips}, {"as files", tree}} {
		var ours, theirs []time.Duration
		for range 15 {
			theirs = append(theirs, timed(before, in.dir))
			ours = append(ours, timed(now, in.dir))
		}
		a, b := median(ours), median(theirs)
		row(in.what, a, b, a.Seconds()/b.Seconds())
	}
}
