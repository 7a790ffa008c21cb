package chaos

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/disk/disktest"
	"github.com/left4me/left4me/test/stage"
)

func TestServersStopOnAFullDisk(t *testing.T) {
	stage.Build(t) // not on the small disk
	disktest.OnSmall(t, "64m", func(t *testing.T, dir string) {
		t.Setenv("TMPDIR", dir)
		s := stage.New(t, 28900, "SIM_PLAYERS=0", "SIM_MAP_LOAD=10ms")
		// What servers write may be on another disk than the database, and the queue on
		// a third one. The layers of a server can't be apart from each other.
		games, queue := filepath.Join(s.Root, "logs"), filepath.Join(s.Root, "bus")
		disktest.Mount(t, games, "8m", 0o751)
		disktest.Mount(t, queue, "8m", 0o700)
		reserved := func(dir string) bool {
			_, err := os.Stat(filepath.Join(dir, ".left4me-reserve"))
			return err == nil
		}
		s.Serve(t)
		s.Create(t, "alpha", nil)
		s.Done(t, "start", "alpha")
		stage.Until(t, "each disk has its reserve", func() bool { return reserved(s.Root) && reserved(games) })

		// The reserve is enough for what people do.
		disktest.Fill(t, s.Root, 0)
		s.Done(t, "stop", "alpha")
		if reserved(s.Root) || !reserved(games) {
			t.Error("the reserve of the full disk was not given back, or the other one was")
		}
		disktest.Empty(t, s.Root)
		s.Done(t, "start", "alpha")

		// Without a reserve the host is asked directly.
		full := func() bool {
			disktest.Fill(t, s.Root, 0)
			status, err := s.Call("POST", "/servers", map[string]any{"name": "beta"}, nil)
			if err == nil {
				s.Must(t, "DELETE", "/servers/beta", nil, nil)
				return false
			}
			if status != http.StatusInsufficientStorage || !strings.Contains(err.Error(), "disk full: "+s.Root) {
				t.Fatalf("on a full disk: %d, %v", status, err)
			}
			return true
		}
		stage.Until(t, "nothing can be written", full)
		job := s.Ask(t, "stop", "alpha")
		if job = s.Ended(t, job.ID); job.State != "done" || !strings.HasPrefix(job.Steps[0].Note, "disk full") || len(s.Games()) > 0 {
			t.Fatalf("%+v, games %v", job, s.Games())
		}
		disktest.Empty(t, s.Root)
		stage.Until(t, "the row is written", func() bool {
			return strings.Contains(s.Log(), `msg="job ended" job=`+job.ID+` kind=server.stop`)
		})
		s.Done(t, "start", "alpha")

		// The queue's disk: hosts are told by plain requests, and the rows are written.
		for range 2 { // with the reserve, and without
			disktest.Fill(t, queue, 0)
			s.Done(t, "stop", "alpha")
			s.Done(t, "start", "alpha")
		}
		disktest.Empty(t, queue)

		// The games' disk.
		disktest.Fill(t, games, 0)
		s.Done(t, "stop", "alpha")
		s.Done(t, "start", "alpha")
		disktest.Empty(t, games)

		// left4me starts on a full disk: its reserve is given back first.
		stage.Until(t, "the reserve is made again", func() bool { return reserved(s.Root) })
		disktest.Fill(t, s.Root, 0)
		s.Kill()
		s.Serve(t)
		if j := s.Ended(t, job.ID); j.State != "done" || j.Steps[0].Note != job.Steps[0].Note {
			t.Errorf("the row of the stop: %+v", j)
		}
		s.Done(t, "stop", "alpha")
		disktest.Empty(t, s.Root)
	})
}
