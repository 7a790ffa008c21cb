package archive

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"reflect"
)

// Clean exports clean.
var Clean = clean

// ReadFrames parses a decoder's output and discards the entries.
func ReadFrames(r io.Reader) error {
	return readFrames(context.Background(), r, mode{}, func(entry, io.Reader) error { return nil })
}

// EntryRoundTrips decodes an entry, encodes and decodes it again, and reports whether both decoded
// entries are equal. It returns true for input that is not an entry.
func EntryRoundTrips(b []byte) bool {
	e, err := parseEntry(b)
	if err != nil {
		return true
	}
	again, err := parseEntry(e.append(nil))
	return err == nil && reflect.DeepEqual(e, again)
}

// EntryFrame returns the frame for an entry of one byte.
func EntryFrame(name string) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	_ = writeFrame(w, frameEntry,
		entry{Name: []byte(name), UTF8: true, Kind: regular, Size: 1, Sum: 1 << 31, Tool: "PPMd", Plain: true}.append(nil))
	_ = w.Flush() // writing to a buffer can't fail
	return b.Bytes()
}

// StartSandboxed exports startSandboxed.
var StartSandboxed = startSandboxed
