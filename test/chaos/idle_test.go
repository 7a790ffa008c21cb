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

// A shim whose server does nothing sleeps. It asks its server each 10 s whether it
// answers, and wakes half-way between: whatever else wakes it is paid for once for
// each server of a machine. Counted is how often its threads went to sleep, which a
// busy machine hardly changes.
func TestIdleShimSleeps(t *testing.T) {
	t.Parallel()
	const span, most = 2 * time.Second, 6 // a timer of a second makes 15 to 40
	s := stage.New(t, 28490, "SIM_PLAYERS=0", "SIM_MAP_LOAD=0s")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Follow(t, "start", "alpha")
	shim := s.Shims()[0]
	var counts []int
	for range 4 { // at most two of them have one of those two in them
		before := sleeps(t, shim)
		<-time.NewTimer(span).C
		counts = append(counts, sleeps(t, shim)-before)
		if counts[len(counts)-1] <= most {
			return
		}
	}
	t.Errorf("threads of an idle shim went to sleep %v times in spans of %v; wanted is one span with at most %d", counts, span, most)
}

// sleeps counts how often the threads of a process have gone to sleep so far
// (voluntary_ctxt_switches of proc_pid_status(5)).
func sleeps(t *testing.T, pid int) (n int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads of %d: %v", pid, err)
	}
	for _, task := range tasks {
		b, _ := os.ReadFile(task) // it may have ended
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				k, _ := strconv.Atoi(strings.TrimSpace(v))
				n += k
			}
		}
	}
	return n
}
