package vpk

import "hash/crc32"

// Bounds of what is read to find out where the data begins.
const (
	maxProbes = 8
	maxProbe  = 1 << 20
)

// dataStart says where the data in this file begins. The game looks for it where the header says that the tree ends;
// where that isn't where it ends, the checksums of some small entries decide. Without an answer it is behind the tree.
func (a *Archive) dataStart(behind int64) int64 {
	told := a.header + a.Declared
	if told == behind || told > a.size {
		return behind
	}
	probes := 0
	for i := range a.entries {
		e := &a.entries[i]
		length := e.Size - e.head
		if e.index != inThisFile || length == 0 || e.head > 0 || e.CRC == 0 || length > maxProbe {
			continue
		}
		if a.sumAt(behind+e.offset, length) == e.CRC {
			return behind
		}
		if a.sumAt(told+e.offset, length) == e.CRC {
			return told
		}
		if probes++; probes == maxProbes {
			break
		}
	}
	return behind
}

// sumAt is the CRC-32 of bytes of this file, 0 if they can't be read.
func (a *Archive) sumAt(offset, length int64) uint32 {
	if offset > a.size || length > a.size-offset {
		return 0
	}
	b := make([]byte, length)
	if n, _ := a.file.ReadAt(b, offset); int64(n) < length {
		return 0
	}
	return crc32.ChecksumIEEE(b)
}

// Misled says whether the header tells the game to look for the data in another place than that where it is, as far as
// checksums can tell.
func (a *Archive) Misled() bool { return a.header+a.Declared != a.data }

// HasSums says whether a checksum of any entry was written: some tools write zeros only.
func (a *Archive) HasSums() bool {
	some := false
	for i := range a.entries {
		if a.entries[i].CRC != 0 {
			return true
		}
		some = some || a.entries[i].Size > 0
	}
	return !some
}
