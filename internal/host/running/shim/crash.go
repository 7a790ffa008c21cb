package shim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/gameuser"
)

const (
	crashLines = 200
	keepCrash  = 20
)

// crashRecord is a stored crash, logs/NAME/crashes/<unix-ms>.json.
type crashRecord struct {
	At     time.Time     `json:"at"`
	Exit   string        `json:"exit"`             // "signal: segmentation fault"
	Signal string        `json:"signal,omitempty"` // "SIGSEGV"
	Uptime time.Duration `json:"uptime"`           // lifetime of the process, in nanoseconds
	Lines  []string      `json:"lines"`            // the last console lines
}

// writeCrash stores r in the directory crashes below logs and removes the oldest records above the
// limit.
func writeCrash(logs *os.File, r crashRecord) error {
	// The agent, which deletes the directory later, may be another user of our group.
	err := unix.Mkdirat(int(logs.Fd()), "crashes", 0o770)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	dir, err := gameuser.OpenAt(logs, "crashes", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer dir.Close()
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	d := int(dir.Fd())
	f, err := gameuser.OpenAt(dir, "new", unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = unix.Renameat(d, "new", d, strconv.FormatInt(r.At.UnixMilli(), 10)+".json")
	}
	if err != nil {
		_ = unix.Unlinkat(d, "new", 0)
		return err
	}
	names, err := dir.Readdirnames(10_000)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	names = slices.DeleteFunc(names, func(s string) bool { return !strings.HasSuffix(s, ".json") })
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-keepCrash)] {
		_ = unix.Unlinkat(d, name, 0)
	}
	return nil
}

func validUTF8(lines [][]byte) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = string(bytes.ToValidUTF8(l, []byte("\uFFFD")))
	}
	return out
}
