package cli

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
)

// jobs serves an API that accepts a start. The final event of the job is end.
func jobs(t *testing.T, end string) (apiclient.Target, *atomic.Int32) {
	t.Helper()
	var streams atomic.Int32
	target := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			fmt.Fprint(w, `{"id":"j1","kind":"server.start","target":"alpha","state":"queued","steps":[],"error":null}`)
			return
		}
		if streams.Add(1) == 1 { // aborts in the middle
			send(w,
				"event: job\ndata: {\"id\":\"j1\",\"kind\":\"server.start\",\"target\":\"alpha\",\"state\":\"running\","+
					"\"steps\":[{\"label\":\"a\",\"state\":\"done\"}]}\n\n")
			return
		}
		send(w, "event: job\ndata: %s\n\n", end)
	})
	return target, &streams
}

func TestWaitReturnsResultOfJob(t *testing.T) {
	const failed = `{"id":"j1","kind":"server.start","target":"alpha","state":"failed",` +
		`"steps":[],"error":{"kind":"conflict","text":"port taken"}}`
	target, streams := jobs(t,
		`{"id":"j1","kind":"server.start","target":"alpha","state":"done","steps":[{"label":"a","state":"done"},`+
			`{"label":"b","state":"skipped","note":"not needed"}]}`)
	out, said, err := execute(t.Context(), target, nil, "server", "start", "alpha", "--wait")
	if err != nil || out != "start alpha: done\n" || said != "start alpha: a: done\nstart alpha: b: skipped (not needed)\n" ||
		streams.Load() != 2 {
		t.Errorf("%q, %q, %v, %d streams", out, said, err, streams.Load())
	}
	target, _ = jobs(t, failed)
	out, _, err = execute(t.Context(), target, nil, "server", "start", "alpha", "--wait", "--json")
	if output.ExitCode(err) != output.ExitFailed || err.Error() != "start alpha: port taken" || out != failed+"\n" {
		t.Errorf("got %q, error %v", out, err)
	}
}
