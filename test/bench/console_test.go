//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/test/stage"
)

const (
	floodLines = 200_000
	floodBytes = 80
)

// TestConsole makes one server print 200,000 lines, which reach the ring, the log and one client of
// the shim's socket or of the API. The reference is script(1), which writes the same lines to a
// file.
func TestConsole(t *testing.T) {
	s := stage.New(t, 28600, "SIM_PLAYERS=0", "SIM_MAP_LOAD=100ms")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	fmt.Println(
		"\n| client | in the log after | at the client after | CPU of the shim | CPU of serve | script -qfc: in its file after | CPU of " +
			"script | ratio of the time to the file |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, c := range []struct {
		what   string
		attach func(t *testing.T, s *stage.Stage) (attached, done <-chan struct{})
	}{{"socket of the shim", atShim}, {"API", overAPI}} {
		for range 5 {
			pid := s.Shims()[0]
			attached, done := c.attach(t, s)
			<-attached
			shimCPU, serveCPU := cpu(t, pid), cpu(t, s.PID())
			size := logSize(s)
			begin := time.Now()
			go s.Call("POST", "/servers/alpha/console",
				map[string]string{"command": fmt.Sprintf("sim_flood %d %d", floodLines, floodBytes)}, nil)
			for logSize(s) < size+floodLines*(floodBytes+1) {
				if time.Since(begin) > stage.Patience {
					t.Fatalf("the log has %d bytes, want at least %d", logSize(s)-size, floodLines*(floodBytes+1))
				}
				time.Sleep(time.Millisecond)
			}
			logged := time.Since(begin)
			<-done
			wall := time.Since(begin)
			shimCPU, serveCPU = cpu(t, pid)-shimCPU, cpu(t, s.PID())-serveCPU
			peerWall, peerCPU := byScript(t, s)
			row(c.what, logged, wall, shimCPU, serveCPU, peerWall, peerCPU, float64(logged)/float64(peerWall))
		}
	}
	s.Done(t, "delete", "alpha")
}

// floodEnds is the last line of the flood.
const floodEnds = "sim_flood done"

func atShim(t *testing.T, s *stage.Stage) (<-chan struct{}, <-chan struct{}) {
	attached, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c, err := shim.Dial(t.Context(), shim.Socket(filepath.Join(s.Root, "run"), "alpha"))
		if err != nil {
			t.Error(err)
			close(attached)
			return
		}
		defer c.Close()
		st, err := c.Status(t.Context())
		if err != nil {
			t.Error(err)
		}
		close(attached)
		for at := st.Position; ; {
			k, err := c.Read(t.Context(), at, shim.MaxWait, shim.MaxChunk)
			if err != nil || k.Lost > 0 {
				t.Errorf("%v, %d bytes lost", err, k.Lost)
				return
			}
			if at = k.Position; strings.Contains(k.Lines, floodEnds) {
				return
			}
		}
	}()
	return attached, done
}

func overAPI(t *testing.T, s *stage.Stage) (<-chan struct{}, <-chan struct{}) {
	attached, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		history := true
		s.Stream(t, "/servers/alpha/console", func(data []byte) bool {
			if history {
				history = false
				close(attached)
				return true
			}
			return !bytes.Contains(data, []byte(floodEnds))
		})
	}()
	return attached, done
}

// logSize returns how many bytes the log has received: the greatest position in the name of a
// complete piece, plus the size of the piece after it.
func logSize(s *stage.Stage) int64 {
	current := filepath.Join(s.Root, "logs", "alpha", "console.log")
	pieces, _ := filepath.Glob(current + ".*")
	var end int64
	for _, p := range pieces {
		if n, err := strconv.ParseInt(strings.TrimPrefix(p, current+"."), 10, 64); err == nil {
			end = max(end, n)
		}
	}
	if st, err := os.Stat(current); err == nil {
		end += st.Size()
	}
	return end
}

// byScript runs the same game under script(1) and prints the same lines.
func byScript(t *testing.T, s *stage.Stage) (wall, used time.Duration) {
	t.Helper()
	dir := filepath.Join(s.Root, "installation", "base")
	typescript := filepath.Join(t.TempDir(), "typescript")
	c := exec.Command("script", "-qfc", "./srcds_linux -game left4dead2 -ip 127.0.0.1 -port 28699 +map c1m1_hotel", typescript)
	c.Dir = dir
	c.Env = append(os.Environ(), "SIM_PLAYERS=0", "SIM_MAP_LOAD=100ms", fmt.Sprintf("SIM_FLOOD=%d %d", floodLines, floodBytes))
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		st, err := os.Stat(typescript)
		if err != nil {
			return 0
		}
		return st.Size()
	}
	stage.Until(t, "the flood begins", func() bool { return size() > 64<<10 })
	begin := time.Now()
	for size() < floodLines*(floodBytes+1) {
		time.Sleep(time.Millisecond)
	}
	wall = time.Since(begin)
	// The children of script are the game; the remaining time is script's own.
	used = cpu(t, c.Process.Pid)
	_, _ = in.Write([]byte("quit\n"))
	_ = in.Close()
	_ = c.Wait()
	return wall, used
}
