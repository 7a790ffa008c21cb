package vpk

import "hash/crc32"

// Limits of the search for the start of the data.
const (
	maxProbes = 8
	maxProbe  = 1 << 20
)

// dataStart returns the offset at which the data in this file begins. The game expects it at the end of
// the tree according to the header. If the tree ends elsewhere, the checksums of a few small entries
// decide; without a match, the data follows the tree.
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

// sumAt returns the CRC-32 of a part of this file, or 0 if it cannot be read.
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

// WrongDataOffset reports whether the header makes the game look for the data in the wrong place, as far as
// checksums can tell.
func (a *Archive) WrongDataOffset() bool { return a.header+a.Declared != a.data }

// HasSums reports whether the archive contains checksums: some tools write only zeros.
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
