package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
)

const (
	margin = 20 // 1/margin of the disk stays free

	// Limits for all processes together, equal to MemoryMax= and TasksMax= of the unit.
	maxMemory    = 2 << 30
	maxProcesses = 256
)

// Reasons for ending a script.
var (
	ErrFull   = left4me.NewError(left4me.DiskFull, "script.disk_full")
	ErrMemory = left4me.NewError(left4me.Unavailable, "script.memory")
)

// Full reports whether the disk that contains dir is so full that a build must end. Servers use the same
// disk.
func Full(dir string) bool {
	var st unix.Statfs_t
	err := unix.Statfs(dir, &st)
	return err == nil && (st.Bavail < st.Blocks/margin || st.Files > 0 && st.Ffree < st.Files/margin)
}

// watch ends a build before disk or memory is full, and reaps orphaned processes. It returns when ctx
// ends.
func watch(ctx context.Context, dir string, script int, end context.CancelCauseFunc) {
	alone := os.Getpid() == 1 // in a PID namespace, where all processes belong to the script
	periodic.Run(ctx, periodic.Schedule{Every: pollEvery, AtOnce: true}, func(context.Context) {
		if Full(dir) {
			end(ErrFull)
		}
		all := processes()
		if alone && memory(all) > maxMemory {
			end(ErrMemory)
		}
		for _, p := range all {
			if p.parent == os.Getpid() && p.zombie && p.pid != script {
				_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil)
			}
		}
	})
}

// endAll kills all descendants of this process and returns when they have ended.
func endAll() error {
	for begun := time.Now(); ; {
		if os.Getpid() == 1 {
			_ = syscall.Kill(-1, syscall.SIGKILL) // all at once, so that none can fork in between
		}
		left := 0
		for _, p := range processes() {
			if p.parent == os.Getpid() {
				left++
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
				_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil)
			}
		}
		if left == 0 {
			return nil
		}
		if time.Since(begun) > killWithin {
			return errors.New("what the script started does not end")
		}
		time.Sleep(time.Millisecond)
	}
}

type process struct {
	pid, parent int
	zombie      bool
}

// processes returns the visible processes.
func processes() []process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		// State and parent follow the name, which may contain any characters.
		f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(f) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(string(f[1]))
		all = append(all, process{pid: pid, parent: parent, zombie: f[0][0] == 'Z'})
	}
	return all
}

// memory returns the memory of processes that can't be read back from files.
func memory(all []process) (bytes int64) {
	for _, p := range all {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/status")
		if err == nil {
			bytes += field(status, "RssAnon:") + field(status, "RssShmem:")
		}
	}
	return bytes
}

// field returns a size field of /proc/PID/status in bytes.
func field(status []byte, name string) int64 {
	_, rest, ok := bytes.Cut(status, []byte("\n"+name))
	if !ok {
		return 0
	}
	f := bytes.Fields(rest[:min(len(rest), 64)])
	if len(f) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(string(f[0]), 10, 64)
	return kib << 10
}
