package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/running/gameuser"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	maxCrashFile = 1 << 20
	maxCrashes   = 20
	maxExit      = 256 // bytes of JSON
)

// tellCrashes tells the other side of all crashes of this host that are known.
func (a *Agent) tellCrashes(ctx context.Context) {
	names, err := a.Files.Names()
	if err != nil {
		a.log.Error("tell crashes again", "err", err)
	}
	for _, n := range names {
		if ctx.Err() == nil {
			a.keepCrashes(ctx, n)
		}
	}
}

// keepCrashes tells the other side of the crashes that a server's shim wrote
// down. Telling one twice is harmless, so nothing here remembers which ones
// were told. What is in the files comes from the game: it is bounded, and a
// file that can't be read is passed over.
func (a *Agent) keepCrashes(ctx context.Context, n left4me.Name) {
	d, err := gameuser.OpenDir(string(a.Files.Root), path.Join("logs", string(n), "crashes"))
	if err != nil {
		return // it never crashed
	}
	defer d.Close()
	names, err := d.Readdirnames(10 * maxCrashes)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	slices.Sort(names)
	if len(names) > maxCrashes {
		names = names[len(names)-maxCrashes:]
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		if err := a.keepCrash(ctx, d, n, name); err != nil {
			a.log.Warn("crash", "server", n, "file", name, "err", err)
		}
	}
}

func (a *Agent) keepCrash(ctx context.Context, dir *os.File, n left4me.Name, name string) error {
	b, err := gameuser.Read(dir, name, maxCrashFile)
	if err != nil {
		return err
	}
	var c struct {
		At     time.Time     `json:"at"`
		Exit   string        `json:"exit"`
		Uptime time.Duration `json:"uptime"`
		Lines  []string      `json:"lines"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return err
	}
	id := fmt.Sprintf("crash-%s-%s-%d", a.Host, n, c.At.UnixMilli())
	return a.bus.Record(ctx, a.Host, bus.KindCrash, id, bus.Crash{
		V: bus.Version, Server: n, At: c.At, Exit: left4me.Clip(c.Exit, maxExit), Uptime: c.Uptime, Lines: left4me.ClipLog(c.Lines),
	})
}
