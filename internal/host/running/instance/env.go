package instance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// ErrEnv means that an instance.env is malformed; test for it with errors.Is.
var ErrEnv = errors.New("bad instance.env")

// MaxEnv limits the size of instance.env. 500 layers and several hundred arguments are far below it.
const MaxEnv = 256 << 10

// Env is the content of instance.env, with the parameters of a server for the shim and the root helper. The
// agent writes it. The format is lines of KEY=VALUE without quoting, so that the helper's parser can be
// tiny; values contain no line breaks.
type Env struct {
	ID        left4me.ID    // L4D2_ID: ID of the server; empty if written by an older left4me
	Port      int           // L4D2_PORT, UDP and TCP
	Args      []string      // L4D2_ARGS, a JSON array: arguments of srcds
	Lowerdirs []string      // L4D2_LOWERDIRS, colon-separated, relative to the root, top first
	Ready     time.Duration // L4D2_READY_SECONDS: timeout for the first A2S answer
	Watchdog  time.Duration // L4D2_WATCHDOG_SECONDS: timeout for A2S answers while running; 0 disables the watchdog
	SpecHash  string        // L4D2_SPEC: hash of the definition
	Build     int64         // L4D2_BUILD: build of the game among the layers
}

// Append appends e to dst in the format of instance.env.
func (e Env) Append(dst []byte) ([]byte, error) {
	args, err := json.Marshal(e.Args)
	if err != nil {
		return nil, fmt.Errorf("instance.env: arguments: %w", err)
	}
	for _, d := range e.Lowerdirs {
		if d == "" || strings.ContainsAny(d, ":\n\r\x00") {
			return nil, fmt.Errorf("instance.env: layer %q: %w", d, ErrEnv)
		}
	}
	if strings.ContainsAny(string(e.ID), "\n\r\x00") {
		return nil, fmt.Errorf("instance.env: id %q: %w", e.ID, ErrEnv)
	}
	if strings.ContainsAny(e.SpecHash, "\n\r\x00") {
		return nil, fmt.Errorf("instance.env: hash %q: %w", e.SpecHash, ErrEnv)
	}
	b := bytes.NewBuffer(dst)
	if e.ID != "" {
		fmt.Fprintf(b, "L4D2_ID=%s\n", e.ID)
	}
	if e.Port != 0 { // the instance for installing the game has no port
		fmt.Fprintf(b, "L4D2_PORT=%d\n", e.Port)
	}
	fmt.Fprintf(b, "L4D2_ARGS=%s\n", args)
	fmt.Fprintf(b, "L4D2_LOWERDIRS=%s\n", strings.Join(e.Lowerdirs, ":"))
	fmt.Fprintf(b, "L4D2_READY_SECONDS=%d\n", int(e.Ready/time.Second))
	fmt.Fprintf(b, "L4D2_WATCHDOG_SECONDS=%d\n", int(e.Watchdog/time.Second))
	fmt.Fprintf(b, "L4D2_SPEC=%s\n", e.SpecHash)
	fmt.Fprintf(b, "L4D2_BUILD=%d\n", e.Build)
	return b.Bytes(), nil
}

// ReadEnv parses an instance.env. Unknown keys are ignored, so that an older shim can read the file of
// a newer agent. Errors wrap ErrEnv and name the line.
func ReadEnv(r io.Reader) (Env, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxEnv+1))
	if err != nil {
		return Env{}, fmt.Errorf("instance.env: %w", err)
	}
	if len(b) > MaxEnv {
		return Env{}, fmt.Errorf("instance.env: longer than %d bytes: %w", MaxEnv, ErrEnv)
	}
	var e Env
	for i, line := range strings.Split(string(b), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return Env{}, fmt.Errorf("instance.env: line %d has no =: %w", i+1, ErrEnv)
		}
		if err := e.set(key, value); err != nil {
			return Env{}, fmt.Errorf("instance.env: line %d: %s: %v: %w", i+1, key, err, ErrEnv)
		}
	}
	return e, nil
}

func (e *Env) set(key, value string) error {
	var err error
	switch key {
	case "L4D2_ID":
		e.ID = left4me.ID(value)
	case "L4D2_PORT":
		e.Port, err = number(value, 1, 65535)
	case "L4D2_ARGS":
		err = json.Unmarshal([]byte(value), &e.Args)
	case "L4D2_LOWERDIRS":
		e.Lowerdirs = strings.Split(value, ":")
	case "L4D2_READY_SECONDS":
		err = seconds(&e.Ready, value)
	case "L4D2_WATCHDOG_SECONDS":
		err = seconds(&e.Watchdog, value)
	case "L4D2_SPEC":
		e.SpecHash = value
	case "L4D2_BUILD":
		if e.Build, err = strconv.ParseInt(value, 10, 64); err != nil {
			err = errors.New("not a number")
		}
	}
	return err
}

func seconds(d *time.Duration, value string) error {
	n, err := number(value, 0, 86400)
	*d = time.Duration(n) * time.Second
	return err
}

func number(value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil {
		return 0, errors.New("not a number")
	}
	if n < low || n > high {
		return 0, fmt.Errorf("%d is not in %d to %d", n, low, high)
	}
	return n, nil
}
