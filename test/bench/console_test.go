//go:build bench

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

const (
	floodLines = 200_000
	floodBytes = 80
)

// 200,000 lines out of one server reach the ring, the log and a client that is
// attached over the API, beside script(1) writing the same to a file.
func TestConsole(t *testing.T) {
	s := stage.New(t, 28600, "SIM_PLAYERS=0", "SIM_MAP_LOAD=100ms")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	fmt.Println("\n| in the log after | at the client after | CPU of the shim | CPU of serve | script -qfc: in its file after | CPU of script | ratio of the time to the file |\n| --- | --- | --- | --- | --- | --- | --- |")
	for range 5 {
		shim := s.Shims()[0]
		shimCPU, serveCPU := cpu(t, shim), cpu(t, s.PID())
		lines := 0
		attached := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			first := true
			s.Stream(t, "/servers/alpha/console", func(data []byte) bool {
				if first {
					first = false
					close(attached)
					return true
				}
				var c struct{ Text string }
				if err := json.Unmarshal(data, &c); err != nil {
					t.Error(err)
				}
				lines += bytes.Count([]byte(c.Text), []byte("all work and no play"))
				return !bytes.Contains([]byte(c.Text), []byte("sim_flood done"))
			})
		}()
		<-attached
		size := logSize(s)
		begin := time.Now()
		go s.Call("POST", "/servers/alpha/console", map[string]string{"command": fmt.Sprintf("sim_flood %d %d", floodLines, floodBytes)}, nil)
		for logSize(s) < size+floodLines*(floodBytes+1) {
			time.Sleep(time.Millisecond)
		}
		logged := time.Since(begin)
		<-done
		wall := time.Since(begin)
		if lines < floodLines {
			fmt.Printf("the client saw %d of %d lines\n", lines, floodLines)
		}
		shimCPU, serveCPU = cpu(t, shim)-shimCPU, cpu(t, s.PID())-serveCPU
		peerWall, peerCPU := byScript(t, s)
		row(logged, wall, shimCPU, serveCPU, peerWall, peerCPU, float64(logged)/float64(peerWall))
	}
	s.Done(t, "delete", "alpha")
}

// logSize is the size of all pieces of the console's log.
func logSize(s *stage.Stage) int64 {
	pieces, _ := filepath.Glob(filepath.Join(s.Root, "logs", "alpha", "console.log*"))
	var sum int64
	for _, p := range pieces {
		if st, err := os.Stat(p); err == nil {
			sum += st.Size()
		}
	}
	return sum
}

// byScript has the same game print the same lines on the terminal of script(1).
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
	// Children of script are the game; what is left is script's own.
	used = cpu(t, c.Process.Pid)
	_, _ = in.Write([]byte("quit\n"))
	_ = in.Close()
	_ = c.Wait()
	return wall, used
}
