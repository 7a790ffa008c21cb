package steamcmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestMissingLibrariesAreListed(t *testing.T) {
	program := "/bin/ls"
	if _, err := os.Stat(program); err != nil {
		t.Skip("no program to examine")
	}
	missing, bits, err := missingLibraries("/", program, nil)
	if err != nil || len(missing) > 0 {
		t.Fatalf("program that runs: %v, %v", missing, err)
	}
	empty := t.TempDir()
	missing, _, err = missingLibraries(empty, program, nil)
	if err != nil || !slices.Contains(missing, "libc.so.6") || len(missing) < 2 {
		t.Fatalf("empty system: %v, %v", missing, err)
	}
	loader := missing[0]
	if filepath.Dir(loader) == "." {
		t.Errorf("the loader is not listed first: %v", missing)
	}
	// Libraries beside the program count too, as in the directory of steamcmd.sh.
	for _, lib := range missing[1:] {
		out, err := exec.Command("find", "/lib", "/usr/lib", "/lib64", "-name", lib).Output()
		if err != nil && len(out) == 0 {
			t.Fatal(err)
		}
		from := string(out[:slices.Index(out, '\n')])
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(empty, lib), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if missing, _, err = missingLibraries(empty, program, []string{empty}); err != nil || !slices.Equal(missing, []string{loader}) ||
		bits == "" {
		t.Errorf("libraries beside the program: %v, %v", missing, err)
	}
}

func TestMissingLibrariesMapToDebianPackages(t *testing.T) {
	got := packagesOf([]string{"/lib/ld-linux.so.2", "libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1"}, "32")
	if want := []string{"lib32gcc-s1", "lib32stdc++6", "libc6-i386"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestLibrariesReportsBrokenProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "steamcmd")
	if err := os.WriteFile(file, []byte("\x7fELF\x01\x01\x01 and nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (Tool{Script: file}).Libraries(); err == nil {
		t.Error("no error for a broken program")
	}
	if err := (Tool{Script: "/nowhere/steamcmd.sh", Home: "/nowhere"}).Libraries(); err != nil {
		t.Errorf("unknown program: %v", err)
	}
}
