package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// unitStates returns the states of left4me's units.
func unitStates(ctx context.Context) string {
	return printedBy(ctx, bundleMost, "systemctl", "list-units", "--all", "--no-pager", "--plain", "left4me*", "l4d2-*") + "\n" +
		printedBy(ctx, bundleMost, "systemctl", "show", "--no-pager", "--property="+
			"Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus,ActiveEnterTimestamp", "left4me.service", "left4me-server@*")
}

// unitLogs returns the newest journal lines of the units of each server and of the units that work for
// left4me. The output of games is not included.
func unitLogs(ctx context.Context, servers []left4me.Name) string {
	units := [][]string{{"left4me-install.service"}, {"left4me-build@*.service"}, {"left4me-firewall.service"}}
	for _, n := range servers {
		units = append(units, []string{
			"left4me-server@" + string(n) + ".service",
			"left4me-mount@" + string(n) + ".service",
			"left4me-unmount@" + string(n) + ".service",
		})
	}
	logs := make([]string, len(units))
	var group sync.WaitGroup
	turns := make(chan struct{}, bundleAtOnce)
	for i, u := range units {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			logs[i] = unitLog(ctx, u)
		})
	}
	group.Wait()
	return strings.Join(logs, "\n")
}

func unitLog(ctx context.Context, units []string) string {
	text := "# " + units[0] + "\n"
	if ctx.Err() != nil { // save the time to start a program
		return text + "left out: " + ctx.Err().Error() + "\n"
	}
	args := make([]string, 0, len(units)-1)
	for _, u := range units[1:] {
		args = append(args, "--unit="+u)
	}
	return text + journal(ctx, bundleUnitLog, units[0], args...)
}

// journal returns the newest journal lines of a unit.
func journal(ctx context.Context, lines int, unit string, args ...string) string {
	most := bundleMost
	if lines == bundleUnitLog {
		most = bundleUnitMost
	}
	return printedBy(ctx, most, "journalctl", append([]string{
		"--no-pager", "--quiet", "--output=short-iso", fmt.Sprintf("--lines=%d", lines), "--unit=" + unit,
	}, args...)...)
}

// printedBy returns the output of a program, followed by its error if it fails. Of a longer output it
// keeps the last most bytes.
func printedBy(ctx context.Context, most int, name string, args ...string) string {
	c := exec.CommandContext(ctx, name, args...)
	out := lastBytes{most: most}
	c.Stdout, c.Stderr, c.WaitDelay = &out, &out, 100*time.Millisecond
	err := c.Run()
	text := out.text()
	if err != nil {
		text += fmt.Sprintf("%s: %v\n", name, err)
	}
	return text
}

// lastBytes is a writer that keeps at least the last most bytes.
type lastBytes struct {
	most int
	b    []byte
	cut  bool // bytes before b were dropped
}

func (l *lastBytes) Write(p []byte) (int, error) {
	end := p[max(0, len(p)-l.most):]
	l.cut = l.cut || len(end) < len(p)
	l.b = append(l.b, end...)
	if len(l.b) > 2*l.most {
		l.keep()
	}
	return len(p), nil
}

func (l *lastBytes) keep() {
	if over := len(l.b) - l.most; over > 0 {
		l.b, l.cut = append(l.b[:0], l.b[over:]...), true
	}
}

// text returns the kept bytes from the first complete line.
func (l *lastBytes) text() string {
	l.keep()
	if !l.cut {
		return string(l.b)
	}
	_, rest, _ := strings.Cut(string(l.b), "\n")
	return rest
}
