package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// crashes publishes the crashes that the shims recorded.
type crashes struct{ core *core }

// publishAll publishes all recorded crashes of this host.
func (c *crashes) publishAll(ctx context.Context) {
	names, err := c.core.Files.Root.Names()
	if err != nil {
		c.core.log.ErrorContext(ctx, "tell crashes again", "err", err)
	}
	for _, n := range names {
		if ctx.Err() == nil {
			c.publish(ctx, n)
		}
	}
}

// publish publishes the recorded crashes of a server. Publishing a crash twice is harmless, so
// published crashes are not remembered. The game's user can write to the files: their size and
// number are limited, and an unreadable file is skipped.
func (c *crashes) publish(ctx context.Context, n left4me.Name) {
	d, err := gameuser.OpenDir(string(c.core.Files.Root), path.Join("logs", string(n), "crashes"))
	if err != nil {
		return // it never crashed
	}
	defer d.Close()
	names, err := d.Readdirnames(10 * maxCrashes)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	// The ID attributes the crashes to this server, not to a later server with the same name.
	env, err := c.core.Files.Root.ReadEnv(n)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.core.log.WarnContext(ctx, "crashes", "server", n, "err", err)
	}
	slices.Sort(names)
	if len(names) > maxCrashes {
		names = names[len(names)-maxCrashes:]
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		if err := c.publishFile(ctx, d, n, env.ID, name); err != nil {
			c.core.log.WarnContext(ctx, "crash", "server", n, "file", name, "err", err)
		}
	}
}

func (c *crashes) publishFile(ctx context.Context, dir *os.File, n left4me.Name, server left4me.ID, name string) error {
	b, err := gameuser.Read(dir, name, maxCrashFile)
	if err != nil {
		return err
	}
	var crash struct {
		At     time.Time     `json:"at"`
		Exit   string        `json:"exit"`
		Uptime time.Duration `json:"uptime"`
		Lines  []string      `json:"lines"`
	}
	if err := json.Unmarshal(b, &crash); err != nil {
		return err
	}
	id := fmt.Sprintf("crash-%s-%s-%d", c.core.Host, n, crash.At.UnixMilli())
	return c.core.bus.Record(ctx, c.core.Host, bus.KindCrash, id, bus.Crash{
		V: bus.Version, Server: n, ServerID: server, At: crash.At, Exit: left4me.Clip(crash.Exit, maxExit),
		Uptime: crash.Uptime, Lines: left4me.ClipLog(crash.Lines),
	})
}
