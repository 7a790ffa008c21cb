package archive

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"reflect"
)

// Clean is clean.
var Clean = clean

// ReadFrames reads what a decoder prints, and drops it.
func ReadFrames(r io.Reader) error {
	return readFrames(context.Background(), r, mode{}, func(entry, io.Reader) error { return nil })
}

// EntryAgain reads an entry of a frame, tells it again, and reports whether what is
// read of that is the same.
func EntryAgain(b []byte) bool {
	e, err := parseEntry(b)
	if err != nil {
		return true
	}
	again, err := parseEntry(e.append(nil))
	return err == nil && reflect.DeepEqual(e, again)
}

// EntryFrame is a frame that tells a file of one byte.
func EntryFrame(name string) []byte {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	_ = writeFrame(w, frameEntry,
		entry{Name: []byte(name), UTF8: true, Kind: regular, Size: 1, Sum: 1 << 31, Tool: "PPMd", Plain: true}.append(nil))
	_ = w.Flush() // to memory
	return b.Bytes()
}

// StartWalled is startWalled.
var StartWalled = startWalled
