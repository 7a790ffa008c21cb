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

	"golang.org/x/sys/unix"
)

const (
	pollEvery  = 200 * time.Millisecond
	aliveEvery = time.Second
	maxLine    = 64 << 10
	maxPass    = 4 << 20 // bytes read before checking again whether the process runs
)

// Follow calls report for every line of a progress file, beginning with the existing ones, until the
// process has ended; alive reports whether it runs. It returns the last result in the file, or nil
// if the process ended without one or never started.
func Follow(ctx context.Context, name string, alive func(context.Context) (bool, error), report func(Line)) (*Result, error) {
	var f follower
	defer f.close()
	tick := time.NewTicker(pollEvery)
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
		// Read the file after calling alive: once the process has ended, the file is complete.
		whole, err := f.read(name, report)
		switch {
		case err != nil:
			return nil, err
		case whole && !runs:
			return f.result, nil
		case !whole && ctx.Err() == nil:
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// follower reads a file that another process appends to.
type follower struct {
	file   *os.File
	in     *bufio.Reader
	part   []byte // beginning of an incomplete line
	result *Result
}

func (f *follower) close() {
	if f.file != nil {
		f.file.Close()
	}
}

// open opens the file if it exists. SteamCMD could have replaced it: open follows no symbolic link
// and does not block on a pipe.
func (f *follower) open(name string) error {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	f.file, f.in = file, bufio.NewReader(file)
	if st, err := file.Stat(); err != nil {
		return err
	} else if !st.Mode().IsRegular() {
		return errors.New(name + " is not a file")
	}
	return nil
}

// read passes new lines to report. It stops after maxPass bytes; whole reports whether it reached the
// end of the file.
func (f *follower) read(name string, report func(Line)) (whole bool, err error) {
	if f.file == nil {
		if err := f.open(name); errors.Is(err, fs.ErrNotExist) {
			return true, nil
		} else if err != nil {
			return false, err
		}
	}
	for passed := 0; passed < maxPass; {
		piece, err := f.in.ReadSlice('\n')
		passed += len(piece)
		if len(f.part) < maxLine {
			f.part = append(f.part, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return true, nil
		case err != nil:
			return false, err
		}
		if l, ok := parseLine(f.part); ok {
			if l.Result != nil {
				f.result = l.Result
			}
			report(l)
		}
		f.part = f.part[:0]
	}
	return false, nil
}

// parseLine parses one line. It ignores damaged lines, which a kill or a full disk can leave.
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
