package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

// The shim of an idle server sleeps. It queries its server every 10 s and wakes up once half-way
// between two queries; every further wake-up costs CPU time once per server of a host. The test
// counts how often its threads went to sleep, a figure that load on the machine hardly changes.
func TestIdleShimSleeps(t *testing.T) {
	t.Parallel()
	const span, most = 2 * time.Second, 6 // a timer of 1 s causes 15 to 40
	s := stage.New(t, 28490, "SIM_PLAYERS=0", "SIM_MAP_LOAD=0s")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Follow(t, "start", "alpha")
	shim := s.Shims()[0]
	var counts []int
	for range 4 { // at most two of the spans contain a query or the wake-up between queries
		before := sleeps(t, shim)
		<-time.NewTimer(span).C
		counts = append(counts, sleeps(t, shim)-before)
		if counts[len(counts)-1] <= most {
			return
		}
	}
	t.Errorf("threads of an idle shim went to sleep %v times in spans of %v; want one span with at most %d", counts, span, most)
}

// sleeps returns how often the threads of a process have gone to sleep since they started
// (voluntary_ctxt_switches, see proc_pid_status(5)).
func sleeps(t *testing.T, pid int) (n int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads of %d: %v", pid, err)
	}
	for _, task := range tasks {
		b, _ := os.ReadFile(task) // the thread may have ended
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				k, _ := strconv.Atoi(strings.TrimSpace(v))
				n += k
			}
		}
	}
	return n
}
