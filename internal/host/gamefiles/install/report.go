package install

import (
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	// maxReport limits the size of the file; the output of a day is far smaller. Beyond the limit,
	// only steps and the result are written.
	maxReport     = 8 << 20
	maxLog        = 2 << 10 // bytes per line
	progressEvery = 500 * time.Millisecond
)

// reporter appends lines to the progress file.
type reporter struct {
	mu    sync.Mutex
	file  *os.File
	size  int
	step  string
	note  left4me.Note
	last  time.Time // time of the last progress line
	ended error     // the first failed write
}

func newReporter(name string) (*reporter, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return nil, err
	}
	return &reporter{file: f}, nil
}

// event writes an event of SteamCMD. Progress is limited to one line per progressEvery.
func (t *reporter) event(e steamcmd.Event) {
	now := time.Now()
	if e.Step != "" && e.Step != t.step {
		t.startStep(e.Step)
	}
	if !e.Note.IsZero() && !e.Note.Same(t.note) {
		t.note = e.Note
		t.write(Line{Note: e.Note}, false)
	}
	if e.Line != "" {
		t.write(Line{Log: e.Line[:min(len(e.Line), maxLog)]}, false)
	}
	if p := e.Progress; p.Unit != "" && (now.Sub(t.last) >= progressEvery || p.Done == p.Total) {
		t.last = now
		t.write(Line{Progress: &p}, false)
	}
}

func (t *reporter) startStep(step string) {
	t.step, t.note, t.last = step, left4me.Note{}, time.Time{}
	t.write(Line{Step: step}, true)
}

func (t *reporter) progress(p left4me.Progress) { t.event(steamcmd.Event{Step: t.step, Progress: p}) }

// result writes the result and syncs the file to disk.
func (t *reporter) result(r Result) error {
	t.write(Line{Result: &r}, true)
	return errors.Join(t.ended, t.file.Sync(), t.file.Close())
}

// write appends a line. A failed write, for example on a full disk, is returned by result; a reader
// notices that the process has ended.
func (t *reporter) write(l Line, always bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size > maxReport && !always {
		return
	}
	l.At = time.Now().UTC().Truncate(time.Millisecond)
	b, err := json.Marshal(l)
	if err == nil {
		b = append(b, '\n')
		t.size += len(b)
		_, err = t.file.Write(b)
	}
	if t.ended == nil {
		t.ended = err
	}
}
