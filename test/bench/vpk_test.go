//go:build bench

package bench

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/source/vpk"
)

// writeVPK writes an archive of version 1 with files of the given sizes in one directory. The
// content is noise that repeats every 1 MiB.
func writeVPK(t *testing.T, name string, sizes []int) {
	t.Helper()
	noise := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(noise)
	var tree []byte
	tree = append(tree, "bsp\x00maps\x00"...)
	offset := 0
	for i, size := range sizes {
		sum := uint32(0)
		for left := size; left > 0; left -= len(noise) {
			sum = crc32.Update(sum, crc32.IEEETable, noise[:min(left, len(noise))])
		}
		tree = fmt.Appendf(tree, "file_%06d\x00", i)
		tree = binary.LittleEndian.AppendUint32(tree, sum)
		tree = append(tree, 0, 0, 0xff, 0x7f)
		tree = binary.LittleEndian.AppendUint32(tree, uint32(offset))
		tree = binary.LittleEndian.AppendUint32(tree, uint32(size))
		tree = append(tree, 0xff, 0xff)
		offset += size
	}
	tree = append(tree, 0, 0, 0)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	head := binary.LittleEndian.AppendUint32(nil, 0x55aa1234)
	head = binary.LittleEndian.AppendUint32(head, 1)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(tree)))
	_, _ = w.Write(head)
	_, _ = w.Write(tree)
	for _, size := range sizes {
		for left := size; left > 0; left -= len(noise) {
			_, _ = w.Write(noise[:min(left, len(noise))])
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestVPK verifies all checksums of a campaign of 2 GB and compares the time with cat of the same
// file. It also lists an archive of 50,000 files and compares the time with an idle start of the
// program.
func TestVPK(t *testing.T) {
	dir := t.TempDir()
	left4me := filepath.Join(dir, "left4me")
	if out, err := exec.Command("go", "build", "-o", left4me, "github.com/left4me/left4me/cmd/left4me").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	timed := func(program string, args ...string) time.Duration {
		t.Helper()
		cmd := exec.Command(program, args...)
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer null.Close()
		cmd.Stdout = null
		start := time.Now()
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s %v: %v", program, args, err)
		}
		return time.Since(start)
	}

	large, one := filepath.Join(dir, "large.vpk"), filepath.Join(dir, "one.vpk")
	sizes := []int{600 << 20, 500 << 20, 400 << 20}
	for range 5480 {
		sizes = append(sizes, 100<<10)
	}
	writeVPK(t, large, sizes)
	writeVPK(t, one, []int{2 << 30})
	row("2 GB", "left4me vpk verify", "cat", "ratio of speeds, wanted ≥ 0.6")
	for _, c := range []struct{ name, file string }{{"5,483 files", large}, {"one file", one}} {
		var ours, theirs []time.Duration
		timed("cat", c.file) // brings the file into the page cache
		for range 7 {
			theirs = append(theirs, timed("cat", c.file))
			ours = append(ours, timed(left4me, "vpk", "verify", "-q", c.file))
		}
		a, b := median(ours), median(theirs)
		row(c.name, a, b, b.Seconds()/a.Seconds())
	}
	os.Remove(large)
	os.Remove(one)

	many := filepath.Join(dir, "many.vpk")
	sizes = make([]int, 50_000)
	for i := range sizes {
		sizes[i] = i % 200
	}
	writeVPK(t, many, sizes)
	var plain, asJSON, start, lib []time.Duration
	for range 15 {
		start = append(start, timed(left4me, "version"))
		plain = append(plain, timed(left4me, "vpk", "ls", many))
		asJSON = append(asJSON, timed(left4me, "vpk", "ls", "--json", many))
		begin := time.Now()
		a, err := vpk.Open(many)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(a.Entries()); n != len(sizes) {
			t.Fatalf("got %d entries", n)
		}
		_, _ = a.ReadDir("maps")
		lib = append(lib, time.Since(begin))
		a.Close()
	}
	row("50,000 entries", "ls", "ls --json", "of that the start of the program", "in the program: opened and as a directory",
		"wanted ≤ 50 ms")
	row("", median(plain), median(asJSON), median(start), median(lib), "")
}
