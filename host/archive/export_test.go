package archive

import (
	"context"
	"io"
)

// Clean is clean.
var Clean = clean

// ReadFrames reads what a decoder prints, and drops it.
func ReadFrames(r io.Reader) error {
	return readFrames(context.Background(), r, mode{}, func(entry, io.Reader) error { return nil })
}

// StartWalled is startWalled.
var StartWalled = startWalled
