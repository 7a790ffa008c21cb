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

// Bounds of what travels over the socket.
const (
	// MaxCommand is the longest console command in bytes.
	MaxCommand = 1000
	// MaxWait is the longest a watch or a read waits for something new.
	MaxWait = 30 * time.Second
	// MaxChunk is the most console output that one read gives.
	MaxChunk = 256 << 10

	minChunk   = 2 * terminal.MaxLine
	maxRequest = 8 << 10
	maxAnswer  = 64 << 10
)

// Dir is what a server has beneath the directory of sockets and locks. It is one
// of its own, so that a unit can show a server its own and no other.
func Dir(run string, n left4me.Name) string { return filepath.Join(run, string(n)) }

// Socket is where the shim of a server listens. The path may be longer than a
// socket address can be: [Dial] copes with that.
func Socket(run string, n left4me.Name) string { return filepath.Join(Dir(run, n), "sock") }

// Status is what a shim says about its server.
type Status struct {
	Name      left4me.Name        `json:"name"`
	State     left4me.ServerState `json:"state"`
	Reason    string              `json:"reason,omitempty"`  // why it is in this state, for a person
	Why       *left4me.Error      `json:"why,omitempty"`     // the same as a code; absent: none, or of an older shim
	PID       int                 `json:"pid"`               // srcds as the host sees it, 0 when there is none
	ShimPID   int                 `json:"shim_pid"`          // as the shim says; Client.PID is what the kernel says
	Want      int                 `json:"want"`              // the port it was given
	Port      int                 `json:"port"`              // the port it really has, 0 until it is known
	Since     time.Time           `json:"since"`             // of this state
	StartedAt time.Time           `json:"started_at"`        // of the srcds that runs now
	Restarts  int                 `json:"restarts"`          // since the shim started
	LastExit  string              `json:"last_exit"`         // "signal: segmentation fault", "exit status 0"
	LastEnd   time.Time           `json:"last_end,omitzero"` // when that was
	SpecHash  string              `json:"spec_hash"`
	Position  int64               `json:"position"` // end of the console
	Rev       int64               `json:"rev"`      // changes with everything above but the position
}

// Explained is why the server is in its state, nil for nothing. What an older shim
// said has no code.
func (s Status) Explained() *left4me.Error {
	if s.Why == nil && s.Reason != "" {
		return left4me.NewError(left4me.Unavailable, "shim.said", "reason", s.Reason)
	}
	return s.Why
}

// explain says why the server is in its state; nil: there is nothing to say.
func (s *Status) explain(why *left4me.Error) { s.Why, s.Reason = why, why.Said() }

// Chunk is a piece of the console: whole lines, each ending with a line feed.
type Chunk struct {
	After    int64  // where Lines begins
	Position int64  // where Lines ends: read on from here
	Lost     int64  // bytes between what was asked for and After that nobody has any more
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

// request is one line of JSON from a client.
type request struct {
	Verb  string `json:"verb"`
	Rev   int64  `json:"rev,omitempty"`
	After int64  `json:"after,omitempty"`
	Wait  int64  `json:"wait_ms,omitempty"`
	Max   int    `json:"max,omitempty"`
	Line  string `json:"line,omitempty"`
}

// answer is one line of JSON from the shim; Bytes raw bytes follow it.
type answer struct {
	Error    *left4me.Error `json:"error,omitempty"`
	Status   *Status        `json:"status,omitempty"`
	After    int64          `json:"after,omitempty"`
	Position int64          `json:"position,omitempty"`
	Lost     int64          `json:"lost,omitempty"`
	Bytes    int            `json:"bytes,omitempty"`
}

var errRequest = errors.New("bad request")

// parseRequest reads one line from a client and brings its numbers into their
// bounds. What it returns is safe to act on.
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

// checkCommand refuses whatever could be more than one command typed by a
// person: line breaks, and control characters that mean something to a terminal.
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
