package archive

import (
	"context"
	"io"
)

// Clean is clean.
var Clean = clean

// ReadFrames reads what a decoder prints, and drops it.
func ReadFrames(r io.Reader) error {
	return readFrames(context.Background(), r, false, func(entry, io.Reader) error { return nil })
}

// FindPlace is findPlace.
func FindPlace(files []string) error {
	_, err := findPlace(files)
	return err
}

// StartWalled is startWalled.
var StartWalled = startWalled
