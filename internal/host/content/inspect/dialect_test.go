package inspect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/source/vpk"
)

func FuzzDialects(f *testing.F) {
	real, err := filepath.Glob("../../../../source/vpk/testdata/*.vpk")
	if err != nil || len(real) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range real {
		a, err := vpk.Open(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, e := range a.Entries() {
			b, err := a.ReadFile(e.Path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(b))
		}
		a.Close()
	}
	if b, err := os.ReadFile("../../../../source/vdf/testdata/mission.txt"); err == nil {
		f.Add(string(b))
	}
	f.Add("/* \" */ @\"a\"\"b\n\" '\\'' # x\n; y\n// z")
	f.Fuzz(func(t *testing.T, s string) {
		for _, d := range []dialect{squirrel, smc} {
			if line, problem := d.check(s); (problem != nil) != (line > 0) || line > strings.Count(s, "\n")+1 {
				t.Errorf("check returns line %d with problem %q", line, problem)
			}
		}
		if line, problem := checkKeyValues(s); (problem != nil) != (line > 0) || line > strings.Count(s, "\n")+1 {
			t.Errorf("checkKeyValues returns line %d with problem %q", line, problem)
		}
	})
}
