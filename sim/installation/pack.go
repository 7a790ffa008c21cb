package installation

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"path"
	"slices"
	"strings"
)

// PackFile is a file of a VPK. Its name is lower-case with forward slashes.
type PackFile struct {
	Name string
	Data []byte
	// Preload is the number of bytes at the beginning of Data that are stored in the tree.
	Preload int
}

// WritePack writes a VPK of version 1 that contains the data of its files itself, as add-ons do. The
// tree is sorted, so the same files produce the same bytes.
func WritePack(w io.Writer, files []PackFile) error {
	const (
		magic      = 0x55aa1234
		inThisFile = 0x7fff
		entryEnd   = 0xffff
	)
	type place struct {
		ext, dir, name string
		PackFile
	}
	places := make([]place, len(files))
	for i, f := range files {
		dir, base := path.Split(f.Name)
		ext := path.Ext(base)
		places[i] = place{blank(ext[min(1, len(ext)):]), blank(strings.TrimSuffix(dir, "/")), blank(strings.TrimSuffix(base, ext)), f}
	}
	slices.SortFunc(places, func(a, b place) int {
		return slices.Compare([]string{a.ext, a.dir, a.name}, []string{b.ext, b.dir, b.name})
	})

	var tree, data bytes.Buffer
	text := func(s string) { tree.WriteString(s); tree.WriteByte(0) }
	number := func(v any) { _ = binary.Write(&tree, binary.LittleEndian, v) }
	for i, p := range places {
		newExt := i == 0 || places[i-1].ext != p.ext
		newDir := newExt || places[i-1].dir != p.dir
		if i > 0 && newDir {
			tree.WriteByte(0) // end of the previous directory
		}
		if i > 0 && newExt {
			tree.WriteByte(0)
		}
		if newExt {
			text(p.ext)
		}
		if newDir {
			text(p.dir)
		}
		text(p.name)
		preload := min(p.Preload, len(p.Data), 0xffff)
		number(crc32.ChecksumIEEE(p.Data))
		number(uint16(preload))
		number(uint16(inThisFile))
		number(uint32(data.Len()))
		number(uint32(len(p.Data) - preload))
		number(uint16(entryEnd))
		tree.Write(p.Data[:preload])
		data.Write(p.Data[preload:])
	}
	if len(places) > 0 {
		tree.Write([]byte{0, 0})
	}
	tree.WriteByte(0)

	header := binary.LittleEndian.AppendUint32(nil, magic)
	header = binary.LittleEndian.AppendUint32(header, 1)
	header = binary.LittleEndian.AppendUint32(header, uint32(tree.Len()))
	for _, part := range [][]byte{header, tree.Bytes(), data.Bytes()} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// blank returns a space for an empty string, because an empty string marks an end in the tree.
func blank(s string) string {
	if s == "" {
		return " "
	}
	return s
}
