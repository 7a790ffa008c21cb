package vpk_test

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/source/vpk"
)

// file is an entry to write. Each entry gets a branch of its own in the tree, which the format allows.
type file struct {
	dir, name, ext string
	data           string
	preload        int
	part           uint16 // 0x7fff for the main file
	crc            uint32 // 0 for the correct value
	offset, length int64  // position of the data, used if at least one is not 0
}

const same = 0x7fff

// built is an archive and its parts by index.
type built struct {
	main  []byte
	parts map[uint16][]byte
	tree  int // size of the tree in bytes
}

// build creates an archive of version 1 or 2.
func build(version int, files ...file) built {
	b := built{parts: map[uint16][]byte{}}
	var tree, data []byte
	le := binary.LittleEndian
	for _, f := range files {
		rest := f.data[f.preload:]
		offset, length := int64(0), int64(len(rest))
		if f.part == same {
			offset = int64(len(data))
			data = append(data, rest...)
		} else {
			offset = int64(len(b.parts[f.part]))
			b.parts[f.part] = append(b.parts[f.part], rest...)
		}
		if f.offset != 0 || f.length != 0 {
			offset, length = f.offset, f.length
		}
		sum := f.crc
		if sum == 0 {
			sum = crc32.ChecksumIEEE([]byte(f.data))
		}
		tree = fmt.Appendf(tree, "%s\x00%s\x00%s\x00", f.ext, f.dir, f.name)
		tree = le.AppendUint32(tree, sum)
		tree = le.AppendUint16(tree, uint16(f.preload))
		tree = le.AppendUint16(tree, f.part)
		tree = le.AppendUint32(tree, uint32(offset))
		tree = le.AppendUint32(tree, uint32(length))
		tree = le.AppendUint16(tree, 0xffff)
		tree = append(tree, f.data[:f.preload]...)
		tree = append(tree, 0, 0)
	}
	tree = append(tree, 0)
	b.tree = len(tree)
	head := le.AppendUint32(nil, 0x55aa1234)
	head = le.AppendUint32(head, uint32(version))
	head = le.AppendUint32(head, uint32(len(tree)))
	if version != 2 {
		b.main = append(append(head, tree...), data...)
		return b
	}
	var sums []byte
	sum := func(index uint16, piece []byte) {
		sums = le.AppendUint32(sums, uint32(index))
		sums = le.AppendUint32(sums, 0)
		sums = le.AppendUint32(sums, uint32(len(piece)))
		m := md5.Sum(piece)
		sums = append(sums, m[:]...)
	}
	sum(same, data)
	for i, p := range b.parts {
		sum(i, p)
	}
	for _, size := range []int{len(data), len(sums), 48, 0} {
		head = le.AppendUint32(head, uint32(size))
	}
	b.main = append(append(append(head, tree...), data...), sums...)
	for _, part := range [][]byte{tree, sums} {
		m := md5.Sum(part)
		b.main = append(b.main, m[:]...)
	}
	m := md5.Sum(b.main)
	b.main = append(b.main, m[:]...)
	return b
}

// write writes the archive to a temporary directory and returns its name.
func (b built) write(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, name+".vpk"), b.main, 0o600))
	base := name
	if len(base) > 4 && base[len(base)-4:] == "_dir" {
		base = base[:len(base)-4]
	}
	for i, p := range b.parts {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s_%03d.vpk", base, i)), p, 0o600))
	}
	return filepath.Join(dir, name+".vpk")
}

func open(t testing.TB, name string) *vpk.Archive {
	t.Helper()
	a, err := vpk.Open(name)
	must(t, err)
	t.Cleanup(func() { a.Close() })
	return a
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
