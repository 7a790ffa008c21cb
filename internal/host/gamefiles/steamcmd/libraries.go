package steamcmd

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
)

// Libraries checks the shared libraries of SteamCMD's program. It returns a *left4me.Error that
// names the missing libraries and the packages that contain them, or nil if none is missing or the
// program is unknown, for example because of a wrapper script.
func (t Tool) Libraries() error {
	program := t.Program()
	if program == "" {
		return nil
	}
	return Libraries("SteamCMD", program, filepath.Dir(program))
}

// Program returns the path of the program that the script finally runs, or "" if unknown.
func (t Tool) Program() string {
	dir := filepath.Dir(t.Script)
	for _, program := range []string{
		t.Script,
		filepath.Join(dir, "linux32", "steamcmd"),
		filepath.Join(t.Home, ".local/share/Steam/steamcmd/linux32/steamcmd"), // Debian's copy
		filepath.Join(dir, "../lib/games/steam/steamcmd"),                     // the original of Debian's copy
		filepath.Join(dir, "steamcmd"),
	} {
		if isELF(program) {
			return program
		}
	}
	return ""
}

// Libraries checks the shared libraries of a program, which the error calls name. It searches the
// directories beside before those of the system. It returns nil for a file that is no program, such
// as a script.
func Libraries(name, program string, beside ...string) error {
	if !isELF(program) {
		return nil
	}
	missing, bits, err := missingLibraries("/", program, beside)
	if err != nil || len(missing) == 0 {
		return err
	}
	return left4me.NewError(left4me.Unavailable, "steamcmd.libraries_missing", "program", name, "bits", bits, "libraries",
		strings.Join(missing, ", "), "packages", strings.Join(packagesOf(missing, bits), " ")).Because(NotStarted)
}

// missingLibraries reads what a program needs (its loader and DT_NEEDED) and returns what the
// system lacks.
func missingLibraries(system, program string, beside []string) (missing []string, bits string, err error) {
	file, err := openPlain(program)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", program, err)
	}
	bits = "64"
	if f.Class == elf.ELFCLASS32 {
		bits = "32"
	}
	loader := interpreter(f)
	if loader == "" {
		return nil, bits, nil // a static program needs no libraries
	}
	if !isLibrary(filepath.Join(system, loader), f.Class) {
		missing = append(missing, loader)
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return nil, bits, fmt.Errorf("%s: %w", program, err)
	}
	for _, lib := range needed {
		found := slices.ContainsFunc(beside, func(dir string) bool { return isLibrary(filepath.Join(dir, lib), f.Class) }) ||
			slices.ContainsFunc(libraryDirs[bits], func(dir string) bool { return isLibrary(filepath.Join(system, dir, lib), f.Class) })
		if !found {
			missing = append(missing, lib)
		}
	}
	return missing, bits, nil
}

// libraryDirs are the library directories of the distributions that left4me supports.
var libraryDirs = map[string][]string{
	"32": {"lib/i386-linux-gnu", "usr/lib/i386-linux-gnu", "lib32", "usr/lib32", "lib", "usr/lib", "usr/local/lib32", "usr/local/lib"},
	"64": {"lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib", "usr/local/lib"},
}

// isLibrary reports whether path is a library of the given class.
func isLibrary(path string, class elf.Class) bool {
	file, err := openPlain(path)
	if err != nil {
		return false
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	return err == nil && f.Class == class
}

// openPlain opens a regular file without blocking. It may run as root in directories of other
// users, who could have created a pipe there.
func openPlain(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is not a plain file", path)
	}
	return f, nil
}

// interpreter returns the loader of a program, or "" for a static program.
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err != nil {
			return ""
		}
		return strings.TrimRight(string(b), "\x00")
	}
	return ""
}

// packagesOf returns the Debian and Ubuntu packages that contain the libraries. The packages of
// 32-bit libraries are those built for amd64, which need no foreign architecture.
func packagesOf(libraries []string, bits string) []string {
	names := []struct{ prefix, bits32, bits64 string }{
		{"libstdc++.so", "lib32stdc++6", "libstdc++6"},
		{"libgcc_s.so", "lib32gcc-s1", "libgcc-s1"},
		{"libz.so", "lib32z1", "zlib1g"},
		{"libncurses.so", "lib32ncurses6", "libncurses6"},
		{"libtinfo.so", "lib32tinfo6", "libtinfo6"},
		{"", "libc6-i386", "libc6"}, // the loader, libc, libm, libdl, libpthread, librt
	}
	var packages []string
	for _, lib := range libraries {
		for _, n := range names {
			if !strings.HasPrefix(filepath.Base(lib), n.prefix) {
				continue
			}
			p := n.bits64
			if bits == "32" {
				p = n.bits32
			}
			packages = append(packages, p)
			break
		}
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}

// isELF reports whether a file is in the ELF format of Linux programs and libraries.
func isELF(path string) bool {
	f, err := openPlain(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [len(elf.ELFMAG)]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == elf.ELFMAG
}
