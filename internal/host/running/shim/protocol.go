package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/host/running/terminal"
	"github.com/left4me/left4me/internal/left4me"
)

// Limits of the socket protocol.
const (
	// MaxCommand is the maximum length of a console command in bytes.
	MaxCommand = 1000
	// MaxWait is the maximum time that a watch or a read waits for a change.
	MaxWait = 30 * time.Second
	// MaxChunk is the maximum number of bytes of console output per read.
	MaxChunk = 256 << 10

	minChunk   = 2 * terminal.MaxLine
	maxRequest = 8 << 10
	maxAnswer  = 64 << 10
)

// Dir is a server's directory below the directory of sockets and locks. Each server has its own, so
// that its unit can expose this directory and no other.
func Dir(run string, n left4me.Name) string { return filepath.Join(run, string(n)) }

// Socket is the path of the socket on which a server's shim listens. It may be longer than a socket
// address allows; [Dial] handles that.
func Socket(run string, n left4me.Name) string { return filepath.Join(Dir(run, n), "sock") }

// Status is a server's status as reported by its shim.
type Status struct {
	Name      left4me.Name        `json:"name"`
	State     left4me.ServerState `json:"state"`
	Reason    string              `json:"reason,omitempty"`  // why the server is in this state, as text
	Why       *left4me.Error      `json:"why,omitempty"`     // Reason with its code; absent if there is none or the shim is older
	PID       int                 `json:"pid"`               // pid of srcds on the host; 0 if it isn't running
	ShimPID   int                 `json:"shim_pid"`          // as reported by the shim; Client.PID comes from the kernel
	Want      int                 `json:"want"`              // the assigned port
	Port      int                 `json:"port"`              // the port in use; 0 until known
	Since     time.Time           `json:"since"`             // start of the current state
	StartedAt time.Time           `json:"started_at"`        // start of the current srcds process
	Restarts  int                 `json:"restarts"`          // number of restarts since the shim started
	LastExit  string              `json:"last_exit"`         // "signal: segmentation fault", "exit status 0"
	LastEnd   time.Time           `json:"last_end,omitzero"` // time of LastExit
	SpecHash  string              `json:"spec_hash"`
	Position  int64               `json:"position"` // end of the console
	Rev       int64               `json:"rev"`      // changes whenever any field but Position changes
}

// Explained returns why the server is in its state, or nil. A reason from an older shim has no code of
// its own and gets the code shim.said.
func (s Status) Explained() *left4me.Error {
	if s.Why == nil && s.Reason != "" {
		return left4me.NewError(left4me.Unavailable, "shim.said", "reason", s.Reason)
	}
	return s.Why
}

// explain sets why the server is in its state; nil removes the explanation.
func (s *Status) explain(why *left4me.Error) { s.Why, s.Reason = why, why.Said() }

// Chunk is a part of the console that consists of whole lines, each ending with a line feed.
type Chunk struct {
	After    int64  // position of the start of Lines
	Position int64  // position of the end of Lines, where the next read continues
	Lost     int64  // bytes between the requested position and After that no longer exist
	Lines    string // may be empty
}

// The verbs of the socket protocol.
const (
	verbStatus = "status"
	verbWatch  = "watch"
	verbRead   = "read"
	verbWrite  = "write"
	verbStop   = "stop"
)

// request is one line of JSON sent by a client.
type request struct {
	Verb  string `json:"verb"`
	Rev   int64  `json:"rev,omitempty"`
	After int64  `json:"after,omitempty"`
	Wait  int64  `json:"wait_ms,omitempty"`
	Max   int    `json:"max,omitempty"`
	Line  string `json:"line,omitempty"`
}

// answer is one line of JSON sent by the shim, followed by Bytes raw bytes.
type answer struct {
	Error    *left4me.Error `json:"error,omitempty"`
	Status   *Status        `json:"status,omitempty"`
	After    int64          `json:"after,omitempty"`
	Position int64          `json:"position,omitempty"`
	Lost     int64          `json:"lost,omitempty"`
	Bytes    int            `json:"bytes,omitempty"`
}

var errRequest = errors.New("bad request")

// parseRequest parses one line from a client and clamps its numbers to their limits. The result is safe
// to act on.
func parseRequest(line []byte) (request, error) {
	var q request
	if len(line) > maxRequest {
		return q, fmt.Errorf("%w: longer than %d bytes", errRequest, maxRequest)
	}
	if err := json.Unmarshal(line, &q); err != nil {
		return request{}, fmt.Errorf("%w: %v", errRequest, err)
	}
	q.Wait = min(max(q.Wait, 0), MaxWait.Milliseconds())
	if q.Max <= 0 {
		q.Max = 64 << 10
	}
	q.Max = min(max(q.Max, minChunk), MaxChunk)
	q.After = max(q.After, -1)
	switch q.Verb {
	case verbStatus, verbWatch, verbRead, verbStop:
	case verbWrite:
		if err := checkCommand(q.Line); err != nil {
			return request{}, err
		}
	default:
		return request{}, fmt.Errorf("%w: unknown verb", errRequest)
	}
	return q, nil
}

// checkCommand refuses lines that could be more than one typed command: those with line breaks or with
// control characters that a terminal interprets.
func checkCommand(line string) error {
	if line == "" {
		return left4me.NewError(left4me.Invalid, "command.empty").InField("command")
	}
	if len(line) > MaxCommand {
		return left4me.NewError(left4me.Invalid, "command.too_long", "limit", MaxCommand).InField("command")
	}
	if !utf8.ValidString(line) {
		return left4me.NewError(left4me.Invalid, "command.not_utf8").InField("command")
	}
	for _, r := range line {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return left4me.NewError(left4me.Invalid, "command.control_character", "character", fmt.Sprintf("%U", r)).InField("command")
		}
	}
	return nil
}

func (s *Status) check() error {
	switch s.State {
	case left4me.Stopped, left4me.Starting, left4me.Running, left4me.Unresponsive, left4me.Stopping, left4me.Failed:
		return nil
	}
	return fmt.Errorf("shim: unknown state %.20q", string(s.State))
}
