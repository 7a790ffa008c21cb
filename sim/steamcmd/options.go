package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// firstBuild is the build ID that build numbers are added to.
const firstBuild = 15800000

// options are the SIM_STEAM_* variables. See the doc comment of the program.
type options struct {
	build            int
	files, game      int
	changed          float64
	size, rate       int64
	sparse           bool
	srcds, scratch   string
	tick             time.Duration
	anonymous        bool
	user, pass, code string
	info             string
	fault, detail    string
	at               int
	times            int // -1 for unlimited
}

func parseOptions(own string, env func(string) string) (options, error) {
	file := map[string]string{}
	b, err := os.ReadFile(filepath.Join(own, "sim.env"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return options{}, err
	}
	for line := range bytes.Lines(b) {
		if name, value, ok := strings.Cut(strings.TrimSpace(string(line)), "="); ok {
			file[name] = value
		}
	}
	get := func(name, otherwise string) string {
		if v := env("SIM_STEAM_" + name); v != "" {
			return v
		}
		if v := file["SIM_STEAM_"+name]; v != "" {
			return v
		}
		return otherwise
	}
	var wrong error
	number := func(name, otherwise string) int {
		n, err := strconv.Atoi(get(name, otherwise))
		if err != nil {
			wrong = fmt.Errorf("SIM_STEAM_%s: %w", name, err)
		}
		return n
	}
	o := options{
		build: number("BUILD", "1"), files: max(1, number("FILES", "100")), game: number("GAME", "400"),
		sparse: get("SPARSE", "") == "1", srcds: get("SRCDS", filepath.Join(own, "depot", "srcds_linux")),
		scratch: get("SCRATCH", ""), anonymous: get("ANONYMOUS", "") == "1", info: get("INFO", ""),
		at: number("FAULT_AT", "50"), times: number("FAULT_TIMES", "-1"),
	}
	o.fault, o.detail, _ = strings.Cut(get("FAULT", ""), ":")
	account := append(strings.SplitN(get("ACCOUNT", ""), ":", 3), "", "")
	o.user, o.pass, o.code = account[0], account[1], account[2]
	if o.changed, err = strconv.ParseFloat(get("CHANGED", "10"), 64); err != nil {
		wrong = err
	}
	if o.tick, err = time.ParseDuration(get("TICK", "500ms")); err != nil {
		wrong = err
	}
	if o.size, err = bytesOf(get("SIZE", "0")); err != nil {
		wrong = err
	}
	if o.rate, err = bytesOf(get("RATE", "0")); err != nil {
		wrong = err
	}
	return o, wrong
}

// bytesOf parses 1500, 20K, 300M or 5G.
func bytesOf(text string) (int64, error) {
	shift := 0
	for i, unit := range []string{"K", "M", "G"} {
		if rest, ok := strings.CutSuffix(strings.ToUpper(text), unit); ok {
			text, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(text, 10, 40)
	return n << shift, err
}

func (o options) buildID() int { return firstBuild + o.build }
