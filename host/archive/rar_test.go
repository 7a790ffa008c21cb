package archive_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
)

// rar5 makes an archive as RAR 5 does, of files that are stored (RAR 5.0 archive
// format, technote).
func rar5(f files) []byte {
	out := bytes.NewBufferString("Rar!\x1a\x07\x01\x00")
	block := func(header []byte, data string) {
		size := vint(uint64(len(header)))
		var sum [4]byte
		binary.LittleEndian.PutUint32(sum[:], crc32.ChecksumIEEE(append(bytes.Clone(size), header...)))
		out.Write(sum[:])
		out.Write(size)
		out.Write(header)
		out.WriteString(data)
	}
	block(slices.Concat(vint(1), vint(0), vint(0)), "") // the archive
	for _, name := range slices.Sorted(maps.Keys(f)) {
		text := f[name]
		sum := make([]byte, 4)
		binary.LittleEndian.PutUint32(sum, crc32.ChecksumIEEE([]byte(text)))
		n := uint64(len(text))
		// A file whose data follows (2), with a sum (4), stored, made on Unix (1).
		block(slices.Concat(vint(2), vint(2), vint(n), vint(4), vint(n), vint(0o100644), sum, vint(0), vint(1), vint(uint64(len(name))), []byte(name)), text)
	}
	block(slices.Concat(vint(5), vint(0), vint(0)), "") // the end
	return out.Bytes()
}

func vint(n uint64) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
