#!/usr/bin/env bash
# github.com/nwaples/rardecode v2.4.6, golang.org/x/text v0.44.0 (only to show the name). Needs Go and the Go module proxy.
#
# In RAR formats before 5, a name may have no Unicode form: only bytes in the code page of the packer's system. A reader should return
# these bytes for the caller to decode, like archive/zip with NonUTF8, and treat a backslash as a separator at most if the archive was
# created on Windows. rardecode replaces each byte 5C by a slash, whatever system created the archive. 5C is the second byte of common
# characters in Shift_JIS, Big5 and GBK: one file at the top level becomes a file in a directory, and neither part of its name can be
# decoded. To undo it, replace each 2F after the first byte of a two-byte character by 5C: 2F does not occur there in these encodings.
#
# Output seen:
#   packed:             95 5c 8e a6 2e 63 66 67  表示.cfg
#   Windows, rardecode: 95 2f 8e a6 2e 63 66 67  ["\x95" "\x8e\xa6.cfg"]
#   Unix, rardecode:    95 2f 8e a6 2e 63 66 67  ["\x95" "\x8e\xa6.cfg"]
#
# Exits non-zero when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init finding >/dev/null 2>&1
go get github.com/nwaples/rardecode/v2@v2.4.6 golang.org/x/text@v0.44.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"strings"

	"github.com/nwaples/rardecode/v2"
	"golang.org/x/text/encoding/japanese"
)

// rar returns a RAR 3 archive of one stored file, according to technote.txt.
func rar(host byte, name, text string) []byte {
	out := bytes.NewBufferString("Rar!\x1a\x07\x00")
	block := func(kind byte, flags uint16, rest []byte) {
		h := binary.LittleEndian.AppendUint16([]byte{kind}, flags)
		h = append(binary.LittleEndian.AppendUint16(h, uint16(7+len(rest))), rest...)
		out.Write(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE(h))))
		out.Write(h)
	}
	block(0x73, 0, make([]byte, 6))
	size := uint32(len(text))
	f := binary.LittleEndian.AppendUint32(nil, size)
	f = binary.LittleEndian.AppendUint32(f, size)
	f = append(f, host)
	f = binary.LittleEndian.AppendUint32(f, crc32.ChecksumIEEE([]byte(text)))
	f = append(f, 0, 0, 0x21, 0x58, 20, 0x30) // a date, version 2.0, stored
	f = binary.LittleEndian.AppendUint16(f, uint16(len(name)))
	f = binary.LittleEndian.AppendUint32(f, 0x20)
	block(0x74, 0x8000, append(f, name...))
	out.WriteString(text)
	block(0x7b, 0, nil)
	return out.Bytes()
}

func main() {
	packed, err := japanese.ShiftJIS.NewEncoder().String("表示.cfg")
	if err != nil {
		panic(err)
	}
	fmt.Printf("packed:             % x  表示.cfg\n", packed)
	changed := false
	for _, made := range []struct {
		on   string
		host byte
	}{{"Windows", 2}, {"Unix", 3}} {
		r, err := rardecode.NewReader(bytes.NewReader(rar(made.host, packed, "x")))
		if err != nil {
			panic(err)
		}
		h, err := r.Next()
		if err != nil {
			panic(err)
		}
		fmt.Printf("%-19s % x  %q\n", made.on+", rardecode:", h.Name, strings.Split(h.Name, "/"))
		changed = changed || h.Name != strings.ReplaceAll(packed, `\`, "/")
	}
	if changed {
		fmt.Println("this has changed")
		os.Exit(1)
	}
}
GO
go run .
