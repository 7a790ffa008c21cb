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
	margin = 20 // a part of this many of the disk stays free

	// Of all processes together, as MemoryMax= and TasksMax= of the unit have it.
	maxMemory    = 2 << 30
	maxProcesses = 256
)

// Why a script was ended.
var (
	ErrFull   = left4me.NewError(left4me.DiskFull, "script.disk_full")
	ErrMemory = left4me.NewError(left4me.Unavailable, "script.memory")
)

// Full reports whether a build on the disk that dir is on must end: the servers'
// is the same.
func Full(dir string) bool {
	var st unix.Statfs_t
	err := unix.Statfs(dir, &st)
	return err == nil && (st.Bavail < st.Blocks/margin || st.Files > 0 && st.Ffree < st.Files/margin)
}

// watch ends a build before the disk or the memory is full, and collects what
// its processes left behind as they ended. It returns when ctx ends.
func watch(ctx context.Context, dir string, script int, end context.CancelCauseFunc) {
	alone := os.Getpid() == 1 // what is there is the script's
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

// endAll ends everything that descends from this process, and returns when it
// has ended.
func endAll() error {
	for begun := time.Now(); ; {
		if os.Getpid() == 1 {
			_ = syscall.Kill(-1, syscall.SIGKILL) // at once: nothing is begun meanwhile
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

// processes are those that can be seen.
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
		// What comes behind its name, which may hold anything, is state and parent.
		f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(f) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(string(f[1]))
		all = append(all, process{pid: pid, parent: parent, zombie: f[0][0] == 'Z'})
	}
	return all
}

// memory is what processes have that can't be had from disk again.
func memory(all []process) (bytes int64) {
	for _, p := range all {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/status")
		if err == nil {
			bytes += field(status, "RssAnon:") + field(status, "RssShmem:")
		}
	}
	return bytes
}

// field is a size of a process's status.
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
