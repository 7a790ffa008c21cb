//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// strictOnly is the last commit that parsed missions with vdf.Parse.
const strictOnly = "04c43b6b"

// reads is the source of a program that parses all files of a directory repeatedly and prints the
// nanoseconds of one pass.
const reads = `package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/source/vdf"
)

func main() {
	names, _ := filepath.Glob(os.Args[1] + "/*")
	var files [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		files = append(files, b)
	}
	const passes = 20
	start := time.Now()
	for range passes {
		for _, b := range files {
			if n, _ := vdf.%s(b, vdf.Options{}); n.Get("mission", "modes") == nil {
				panic("no mission")
			}
		}
	}
	fmt.Println(time.Since(start).Nanoseconds() / passes)
}
`

// mission returns a campaign of five chapters in six modes, as long as real ones.
func mission(n int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b,
		"\"mission\"\n{\n\t\"Name\"\t\t\"Campaign%d\"\n\t\"Version\"\t\"1\"\n\t\"Author\"\t\"somebody\"\n"+
			"\t\"Website\"\t\"http://example.org/%d\"\n\t\"DisplayTitle\"\t\"The campaign %d\"\n"+
			"\t\"Description\"\t\"Four people look for a way out of a town.\"\n\t\"Image\"\t\"vgui/outroTitle_%d\"\n\n"+
			"\t// for the loading screen\n\t\"poster\"\n\t{\n\t\t\"posterImage\"\t\"vgui/poster_%d\" [$WIN32]\n"+
			"\t\t\"posterImage\"\t\"vgui/poster_small\" [$X360]\n\t}\n\n\t\"modes\"\n\t{\n", n, n, n, n, n)
	for _, mode := range []string{"coop", "realism", "versus", "survival", "scavenge", "mutation4"} {
		fmt.Fprintf(&b, "\t\t%q\n\t\t{\n", mode)
		for c := 1; c <= 5; c++ {
			fmt.Fprintf(&b,
				"\t\t\t\"%d\"\n\t\t\t{\n\t\t\t\t\"Map\"\t\t\t\"c%d_m%d_somewhere\"\n"+
					"\t\t\t\t\"DisplayName\"\t\"%d: Somewhere in the town\"\n\t\t\t\t\"Image\"\t\t\"maps/c%d_m%d\"\n"+
					"\t\t\t\t\"VersusCompletionScore\"\t\"500\"\n\t\t\t}\n", c, n, c, c, n, c)
		}
		b.WriteString("\t\t}\n")
	}
	b.WriteString("\t}\n}\n")
	return []byte(b.String())
}

// TestMissions parses the missions of an overlay with fifty campaigns as the game does. The
// reference is commit strictOnly, which used the parser for files written by programs.
func TestMissions(t *testing.T) {
	dir := t.TempDir()
	missions := filepath.Join(dir, "missions")
	if err := os.Mkdir(missions, 0o700); err != nil {
		t.Fatal(err)
	}
	size := 0
	for n := range 50 {
		b := mission(n)
		size += len(b)
		if err := os.WriteFile(filepath.Join(missions, fmt.Sprint(n)), b, 0o600); err != nil {
			t.Fatal(err)
		}
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
	build := func(commit, reader string) string {
		t.Helper()
		tree := filepath.Join(dir, reader)
		if err := os.Mkdir(tree, 0o700); err != nil {
			t.Fatal(err)
		}
		run(".", "sh", "-c", `cd "$(git rev-parse --show-toplevel)" && git archive "$0" go.mod go.sum source/vdf | tar -x -C "$1"`, commit,
			tree)
		if err := os.WriteFile(filepath.Join(tree, "main.go"), fmt.Appendf(nil, reads, reader), 0o600); err != nil {
			t.Fatal(err)
		}
		run(tree, "go", "build", "-o", "reads", "main.go")
		return filepath.Join(tree, "reads")
	}
	if exec.Command("git", "cat-file", "-e", strictOnly).Run() != nil {
		t.Skip("this clone lacks the reference commit " + strictOnly)
	}
	before, now := build(strictOnly, "Parse"), build("HEAD", "ParseGame")
	timed := func(program string) time.Duration {
		t.Helper()
		ns, err := strconv.ParseInt(run(".", program, missions), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(ns)
	}
	var ours, theirs []time.Duration
	for range 15 {
		theirs = append(theirs, timed(before))
		ours = append(ours, timed(now))
	}
	a, b := median(ours), median(theirs)
	row(fmt.Sprintf("50 missions, %d kB", size/1000), "ParseGame", "the build before", "ratio, wanted ≤ 1.1")
	row("one pass", a, b, a.Seconds()/b.Seconds())
}
