package install

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	lookEvery  = 200 * time.Millisecond
	aliveEvery = time.Second
	maxLine    = 64 << 10
)

// Follow tells every line of a progress file, those that are there first, until
// the program has ended: alive says whether it runs. It returns what the program
// said last; nil when it ended without a word, or was never begun.
func Follow(ctx context.Context, name string, alive func(context.Context) (bool, error), told func(Line)) (*Result, error) {
	var f follower
	defer f.close()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var asked time.Time
	for {
		runs := true
		if f.result != nil || time.Since(asked) >= aliveEvery {
			asked = time.Now()
			var err error
			if runs, err = alive(ctx); err != nil && ctx.Err() == nil {
				return nil, err
			}
		}
		// Behind the question: of one that has ended all is there.
		if err := f.read(name, told); err != nil {
			return nil, err
		}
		if !runs {
			return f.result, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// follower reads a file that grows.
type follower struct {
	file   *os.File
	in     *bufio.Reader
	part   []byte // of a line that isn't there as a whole
	result *Result
}

func (f *follower) close() {
	if f.file != nil {
		f.file.Close()
	}
}

func (f *follower) read(name string, told func(Line)) error {
	if f.file == nil {
		file, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		f.file, f.in = file, bufio.NewReader(file)
	}
	for {
		piece, err := f.in.ReadSlice('\n')
		if len(f.part) < maxLine {
			f.part = append(f.part, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if l, ok := parseLine(f.part); ok {
			if l.Result != nil {
				f.result = l.Result
			}
			told(l)
		}
		f.part = f.part[:0]
	}
}

// parseLine reads one line. One that is damaged, as by a kill or a full disk, is
// passed over.
func parseLine(b []byte) (Line, bool) {
	var l Line
	b = bytes.TrimSpace(b)
	if len(b) == 0 || json.Unmarshal(b, &l) != nil {
		return Line{}, false
	}
	if p := l.Progress; p != nil && (p.Done < 0 || p.Total < 0 || p.Rate < 0) {
		l.Progress = nil
	}
	return l, true
}
