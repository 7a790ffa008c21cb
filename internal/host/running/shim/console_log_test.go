package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func testLog(t *testing.T, dir string, limit int64, keep int) *logFile {
	t.Helper()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := openLog(d, limit, keep)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func logged(t *testing.T, l *logFile, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if _, err := l.write(l.end(), []byte(line+"\n")); err != nil {
			t.Fatal(err)
		}
	}
}

// history reads everything from a position on, as a client would.
func history(t *testing.T, dir string, after int64) (text string, lost, end int64) {
	t.Helper()
	for {
		k, err := ReadLog(dir, after, minChunk)
		if err != nil {
			t.Fatal(err)
		}
		if k.Lines == "" {
			return text, lost, k.Position
		}
		text, lost, after = text+k.Lines, lost+k.Lost, k.Position
	}
}

func TestLogRotationKeepsPositions(t *testing.T) {
	dir := t.TempDir()
	l := testLog(t, dir, 100, 3)
	var all strings.Builder
	for i := range 80 {
		line := fmt.Sprintf("line %03d", i)
		logged(t, l, line)
		all.WriteString(line + "\n")
	}
	end := l.end()
	l.close()
	if end != int64(all.Len()) {
		t.Errorf("log ends at %d, want %d", end, all.Len())
	}
	files, err := filepath.Glob(filepath.Join(dir, logName+"*"))
	if err != nil || len(files) != 4 {
		t.Errorf("files: %v, %v", files, err)
	}
	text, lost, at := history(t, dir, 0)
	if at != end || lost+int64(len(text)) != end || !strings.HasSuffix(all.String(), text) || lost == 0 {
		t.Errorf("read to %d of %d: %d bytes lost, %d bytes read", at, end, lost, len(text))
	}
	// The next shim continues the log.
	l = testLog(t, dir, 100, 3)
	if l.end() != end {
		t.Errorf("reopened log ends at %d, want %d", l.end(), end)
	}
	logged(t, l, "and on")
	l.close()
	if text, _, _ := history(t, dir, end); text != "and on\n" {
		t.Errorf("after the old end: got %q, want the new line", text)
	}
}

func TestLogRotationDoesNotSplitLines(t *testing.T) {
	dir := t.TempDir()
	l := testLog(t, dir, 10, 9)
	for _, part := range []string{"first line\n", "the beg", "inning and", " the end\n", "last\n"} {
		if _, err := l.write(l.end(), []byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	l.close()
	if text, lost, _ := history(t, dir, 0); lost != 0 || text != "first line\nthe beginning and the end\nlast\n" {
		t.Errorf("%d bytes lost, text %q", lost, text)
	}
}

func TestLineCutOffByKillIsCompletedByNextShim(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, logName), []byte("whole\nhal"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, _, at := history(t, dir, 0)
	if text != "whole\n" || at != 6 {
		t.Errorf("before the next shim: got %q up to %d", text, at)
	}
	testLog(t, dir, 100, 1).close()
	if text, lost, _ := history(t, dir, at); text != "hal\n" || lost != 0 {
		t.Errorf("after the next shim: got %q, %d bytes lost", text, lost)
	}
}

func TestReadLogOfNewestOutputCrossesPieces(t *testing.T) {
	dir := t.TempDir()
	l := testLog(t, dir, 2000, 9)
	for i := range 1000 {
		logged(t, l, fmt.Sprintf("line %04d", i))
	}
	l.close()
	k, err := ReadLog(dir, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if k.Lost != 0 || !strings.HasSuffix(k.Lines, "line 0999\n") || !strings.HasPrefix(k.Lines, "line ") || len(k.Lines) < minChunk-20 {
		t.Errorf("%d to %d, %d lost: %.20q", k.After, k.Position, k.Lost, k.Lines)
	}
	if k, err := ReadLog(dir, k.Position+1000, 0); err != nil || !strings.HasSuffix(k.Lines, "line 0999\n") {
		t.Errorf("position beyond the end: got %+v, %v", k, err)
	}
}

func TestLogOfServerThatNeverRanIsEmpty(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/nonexistent/logs"} {
		if k, err := ReadLog(dir, -1, 0); err != nil || k != (Chunk{}) {
			t.Errorf("ReadLog = %+v, %v", k, err)
		}
	}
}

func TestLogDoesNotFollowSymlinks(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(secret, filepath.Join(dir, logName)); err != nil {
		t.Fatal(err)
	}
	if k, err := ReadLog(dir, -1, 0); err == nil || k.Lines != "" {
		t.Errorf("a symbolic link is read: %+v", k)
	}
	if d, err := os.Open(dir); err != nil {
		t.Fatal(err)
	} else if l, err := openLog(d, 100, 1); err == nil {
		l.close()
		t.Error("a symbolic link is written to")
	}
	link := filepath.Join(t.TempDir(), "logs")
	if err := os.Symlink(filepath.Dir(secret), link); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadLog(link, -1, 0); err == nil {
		t.Error("a symbolic link to the directory is followed")
	}
	fifo := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(fifo, logName), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadLog(fifo, -1, 0); err == nil {
		t.Error("a FIFO is read")
	}
}

func TestConsoleReadWaitsForNewOutput(t *testing.T) {
	c := newConsole(testLog(t, t.TempDir(), 1<<20, 1), ringSize)
	defer c.close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.run(ctx) }()
	got := make(chan Chunk)
	go func() {
		k, raw := c.read(ctx, 0, MaxChunk, nil)
		k.Lines = string(raw)
		got <- k
	}()
	c.add([]byte("here it is\n"))
	select {
	case k := <-got:
		if k.Lines != "here it is\n" || k.Position != 11 {
			t.Errorf("chunk = %+v", k)
		}
	case <-time.After(10 * time.Second):
		t.Error("read did not return the new line")
	}
	cancel()
	<-done
}

func TestConsoleContinuesWhileLogCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	l := testLog(t, dir, 1<<20, 1)
	c := newConsole(l, 1<<20)
	defer c.close()
	c.add([]byte("before\n"))
	c.flush()
	good := l.f
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.f = full
	c.add([]byte("meanwhile\n"))
	c.flush()
	if k, raw := c.read(t.Context(), 0, MaxChunk, nil); string(raw) != "before\nmeanwhile\n" {
		t.Errorf("got %q, %+v", raw, k)
	}
	if !errors.Is(c.failing, unix.ENOSPC) {
		t.Errorf("write error = %v, want ENOSPC", c.failing)
	}
	full.Close()
	l.f, c.retryAt = good, time.Time{}
	c.add([]byte("after\n"))
	c.flush()
	if text, lost, _ := history(t, dir, 0); lost != 0 || !strings.HasPrefix(text, "before\n") || !strings.Contains(text, "after\n") {
		t.Errorf("log has %q, %d bytes lost", text, lost)
	}
}
