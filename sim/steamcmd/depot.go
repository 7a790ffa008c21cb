package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/left4me/left4me/sim/installation"
)

// sparseHead is the number of bytes at the start of a sparse file that are not a hole.
const sparseHead = 4096

// entry is a file of the game in a build.
type entry struct {
	name   string
	size   int64
	mode   fs.FileMode
	from   string // file with the content; generated from seed if empty
	seed   uint64
	sparse bool
}

// content returns the content of a file, for a sparse file only the bytes before the hole.
func (e entry) content() (io.ReadCloser, error) {
	if e.from != "" {
		return os.Open(e.from)
	}
	var seed [32]byte
	copy(seed[:], fmt.Sprintf("%032x", e.seed))
	return io.NopCloser(io.LimitReader(rand.NewChaCha8(seed), e.solid())), nil
}

// solid returns the number of bytes before the hole.
func (e entry) solid() int64 {
	if e.sparse {
		return min(e.size, sparseHead)
	}
	return e.size
}

// isThere reports whether the file on disk matches, including its content if requested. Of a sparse
// file only the bytes before the hole are compared.
func (e entry) isThere(path string, content bool) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != e.size || info.Mode().Perm()&0o111 != e.mode&0o111 {
		return false
	}
	if !content {
		return true
	}
	have, err := os.Open(path)
	if err != nil {
		return false
	}
	defer have.Close()
	want, err := e.content()
	if err != nil {
		return false
	}
	defer want.Close()
	return same(bufio.NewReaderSize(io.LimitReader(have, e.solid()), 128<<10), bufio.NewReaderSize(want, 128<<10))
}

// same reports whether the file is the same in two builds.
func (e entry) same(old entry) bool {
	if e.from != "" && old.from != "" {
		return e.isThere(old.from, true)
	}
	return e.from == old.from && e.seed == old.seed && e.size == old.size
}

func same(a, b io.Reader) bool {
	x, y := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if n != m || !bytes.Equal(x[:n], y[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			return errA != nil && errB != nil
		}
	}
}

// changes returns the number of times that a bulk file has changed between the first build and the
// given one.
func (o options) changes(file, build int) int {
	each, n := max(1, int(float64(o.files)*o.changed/100+0.5)), 0
	for b := 2; b <= build; b++ {
		if (file-b*37%o.files+o.files)%o.files < each {
			n++
		}
	}
	return n
}

// depot returns the files of a build for a platform. It creates them in scratch.
func (o options) depot(scratch, platform string, build int) ([]entry, error) {
	all, err := o.base(scratch, platform, build)
	if err != nil {
		return nil, err
	}
	bulk := o.size / int64(o.files)
	for i := range o.files {
		if bulk > 0 {
			seed := uint64(i)<<32 | uint64(o.changes(i, build))
			all = append(all,
				entry{name: fmt.Sprintf("left4dead2/pak01_%03d.vpk", i), size: bulk, mode: 0o644, seed: seed, sparse: o.sparse})
		}
	}
	// This file is unique to the build, so the next build removes it.
	all = append(all,
		entry{name: fmt.Sprintf("left4dead2/scripts/build_%d.txt", build), size: 2000, mode: 0o644, seed: 1<<62 | uint64(build)})
	if platform == "windows" {
		for i, name := range []string{"srcds.exe", "bin/engine.dll", "bin/tier0.dll", "left4dead2/bin/server.dll"} {
			all = append(all, entry{name: name, size: 9000, mode: 0o644, seed: 1<<63 | uint64(i)})
		}
	}
	return all, nil
}

// base creates the files of the game itself in scratch and returns them: for Windows without the Linux
// programs.
func (o options) base(scratch, platform string, build int) ([]entry, error) {
	server := o.srcds
	if !exists(server) {
		server = filepath.Join(filepath.Dir(scratch), filepath.Base(scratch)+".srcds")
		if err := os.WriteFile(server, []byte("\x7fELF\x01\x01\x01 simulated, and nothing to run\n"), 0o755); err != nil {
			return nil, err
		}
		defer os.Remove(server)
	}
	err := installation.Lay(scratch, installation.Options{
		Files: o.game, Seed: 1, Server: server, Version: fmt.Sprintf("2.2.4.%d", 2+build), BuildID: firstBuild + build,
	})
	if err != nil {
		return nil, err
	}
	var all []entry
	err = filepath.WalkDir(scratch, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(scratch, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		linux := strings.HasSuffix(name, ".so") || strings.HasPrefix(name, "srcds_")
		if strings.HasPrefix(name, "steamapps") || linux && platform == "windows" {
			return nil
		}
		all = append(all, entry{name: name, size: info.Size(), mode: info.Mode().Perm(), from: path})
		return nil
	})
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return all, err
}

// write creates or overwrites a file. It calls paced after each block.
func (e entry) write(path string, paced func(n int) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := e.content()
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, e.mode)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 128<<10)
	for {
		n, err := in.Read(buf)
		if n > 0 {
			if _, err := f.Write(buf[:n]); err != nil {
				return err
			}
			if err := paced(n); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if hole := e.size - e.solid(); hole > 0 {
		if err := errors.Join(f.Truncate(e.size), paced(int(hole))); err != nil {
			return err
		}
	}
	return errors.Join(f.Chmod(e.mode), f.Close())
}
