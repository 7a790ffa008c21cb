package content

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// errPack is returned for a file that is not a VPK of version 1.
var errPack = errors.New("no VPK of version 1")

const (
	packMagic   = 0x55aa1234
	packHeader  = 12
	inThisFile  = 0x7fff
	maxMission  = 1 << 20
	maxPackName = 260
)

// pack is an open VPK. It keeps only the entries that a server needs, because add-ons have tens of
// thousands.
type pack struct {
	*os.File
	tree    int64
	entries []packEntry
}

type packEntry struct {
	name    string // as in the tree: lower-case with forward slashes
	preload []byte
	offset  uint32
	length  uint32
	index   uint16
}

func openPack(file string) (*pack, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	p := &pack{File: f}
	if err := p.readTree(); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

func (p *pack) readTree() error {
	var header [packHeader]byte
	if _, err := io.ReadFull(p.File, header[:]); err != nil {
		return errPack
	}
	if binary.LittleEndian.Uint32(header[0:]) != packMagic || binary.LittleEndian.Uint32(header[4:]) != 1 {
		return errPack
	}
	p.tree = int64(binary.LittleEndian.Uint32(header[8:]))
	r := bufio.NewReaderSize(io.LimitReader(p.File, p.tree), 4096)
	for {
		ext, err := packString(r)
		if err != nil || ext == "" {
			return err
		}
		for {
			dir, err := packString(r)
			if err != nil {
				return err
			}
			if dir == "" {
				break
			}
			for {
				name, err := packString(r)
				if err != nil {
					return err
				}
				if name == "" {
					break
				}
				if err := p.readEntry(r, ext, dir, name); err != nil {
					return err
				}
			}
		}
	}
}

func (p *pack) readEntry(r *bufio.Reader, ext, dir, name string) error {
	var fixed [18]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return errPack
	}
	preload := int(binary.LittleEndian.Uint16(fixed[4:]))
	wanted := dir == "maps" && ext == "bsp" || dir == "missions" && ext == "txt"
	if !wanted {
		if _, err := r.Discard(preload); err != nil {
			return errPack
		}
		return nil
	}
	e := packEntry{
		name:    strings.ToLower(dir + "/" + name + "." + ext),
		preload: make([]byte, preload),
		index:   binary.LittleEndian.Uint16(fixed[6:]),
		offset:  binary.LittleEndian.Uint32(fixed[8:]),
		length:  binary.LittleEndian.Uint32(fixed[12:]),
	}
	if _, err := io.ReadFull(r, e.preload); err != nil {
		return errPack
	}
	p.entries = append(p.entries, e)
	return nil
}

func (p *pack) read(e packEntry) ([]byte, error) {
	if e.length > maxMission {
		return nil, errPack
	}
	data := make([]byte, len(e.preload)+int(e.length))
	copy(data, e.preload)
	if e.length == 0 {
		return data, nil
	}
	from, start := p.File, packHeader+p.tree
	if e.index != inThisFile {
		f, err := os.Open(fmt.Sprintf("%s_%03d.vpk", strings.TrimSuffix(p.Name(), "_dir.vpk"), e.index))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from, start = f, 0
	}
	_, err := from.ReadAt(data[len(e.preload):], start+int64(e.offset))
	return data, err
}

func packString(r *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		c, err := r.ReadByte()
		if err != nil || b.Len() > maxPackName {
			return "", errPack
		}
		if c == 0 {
			return b.String(), nil
		}
		b.WriteByte(c)
	}
}
