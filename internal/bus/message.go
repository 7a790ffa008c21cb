package bus

import (
	"encoding/json"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Version is that of every message in this package. A newer controller speaks
// to agents that are one minor version older.
const Version = 1

// Verbs of Command, with the message that goes and the one that comes back.
const (
	VerbPing    = "ping"    // Empty → Empty, as soon as the host answers anything
	VerbStatus  = "status"  // Empty → []left4me.Status, of every instance of the host
	VerbPort    = "port"    // PortRequest → Empty; Conflict names who has the port
	VerbCancel  = "cancel"  // CancelRequest → Empty
	VerbWork    = "work"    // JobMessage → Empty: a job that the queue can't take; it is claimed as ever
	VerbStop    = "stop"    // JobMessage → Empty: a stop whose row can't be written; it is begun at once
	VerbConsole = "console" // ConsoleRequest → ConsoleChunk
	VerbCommand = "command" // CommandRequest → CommandAnswer
)

// Verbs of Ask.
const (
	VerbClaim  = "claim"  // ClaimRequest → ClaimAnswer
	VerbReport = "report" // JobReport → Empty
)

// Kinds of Broadcast and Event.
const (
	KindStatus = "status" // Broadcast: left4me.Status
	KindJob    = "job"    // Broadcast: JobReport, while the job runs
	KindHello  = "hello"  // Broadcast: Hello, when an agent has started
	KindCrash  = "crash"  // Event: Crash
)

// Empty is a message without content.
type Empty struct {
	V int `json:"v,omitempty"`
}

// Hello is sent by an agent that has started.
type Hello struct {
	V       int    `json:"v"`
	Version string `json:"version"`
	// BootID is another one after each boot of the machine; empty when the
	// machine doesn't say.
	BootID string `json:"boot_id,omitempty"`
}

// PortRequest asks whether a port can be had on a host.
type PortRequest struct {
	V    int `json:"v"`
	Port int `json:"port"`
}

// CancelRequest asks a host to stop working on a job.
type CancelRequest struct {
	V  int           `json:"v"`
	ID left4me.JobID `json:"id"`
}

// ConsoleRequest asks for what a server printed after a position. The answer
// waits until there is something, at most Wait.
type ConsoleRequest struct {
	V      int           `json:"v"`
	Server left4me.Name  `json:"server"`
	After  int64         `json:"after"` // -1: the recent history
	Max    int           `json:"max"`   // bytes
	Wait   time.Duration `json:"wait"`
}

// ConsoleChunk is a piece of a server's console: whole lines, each ended by a
// line feed. After and Position are byte offsets in everything the server ever
// printed; Lost counts bytes between what was asked for and After that are gone.
type ConsoleChunk struct {
	V        int    `json:"v"`
	After    int64  `json:"after"`
	Position int64  `json:"position"`
	Lost     int64  `json:"lost,omitempty"`
	Text     string `json:"-"` // travels behind the JSON: see reply
}

// CommandRequest asks to run a console command on a server.
type CommandRequest struct {
	V       int          `json:"v"`
	Server  left4me.Name `json:"server"`
	Command string       `json:"command"`
}

// CommandAnswer is what the command printed.
type CommandAnswer struct {
	V      int    `json:"v"`
	Output string `json:"output"`
}

// JobMessage makes a host work.
type JobMessage struct {
	V      int             `json:"v"`
	ID     left4me.JobID   `json:"id"`
	Kind   left4me.JobKind `json:"kind"`
	Target left4me.Name    `json:"target"`
	Spec   json.RawMessage `json:"spec"` // what the kind needs: left4me.Spec, left4me.GameSpec, …
	// RequestID is the id of the request that asked for it; see package requestid.
	RequestID string `json:"request_id,omitempty"`
}

// ClaimRequest asks whether a host should work on a job now.
type ClaimRequest struct {
	V  int           `json:"v"`
	ID left4me.JobID `json:"id"`
}

// Verdict answers a claim.
type Verdict string

// The verdicts.
const (
	Go    Verdict = "go"    // work on it
	Drop  Verdict = "drop"  // it has ended, or nobody knows it
	Later Verdict = "later" // another job has the target
)

// ClaimAnswer says what to do with a job that was claimed.
type ClaimAnswer struct {
	V       int     `json:"v"`
	Verdict Verdict `json:"verdict"`
	Attempt int     `json:"attempt"`
}

// JobReport tells how far a job is. State is JobRunning while it runs.
type JobReport struct {
	V     int              `json:"v"`
	ID    left4me.JobID    `json:"id"`
	State left4me.JobState `json:"state"`
	Steps []left4me.Step   `json:"steps"`
	Log   []string         `json:"log,omitempty"` // the last lines that the work printed
	Error *left4me.Error   `json:"error,omitempty"`
}

// Crash is what is kept of a server that died.
type Crash struct {
	V        int           `json:"v"`
	Server   left4me.Name  `json:"server"`
	ServerID left4me.ID    `json:"server_id,omitempty"` // absent: started by an older left4me
	At       time.Time     `json:"at"`
	Exit     string        `json:"exit"` // "segmentation fault", "exit status 1"
	Uptime   time.Duration `json:"uptime"`
	Lines    []string      `json:"lines"` // the last that it printed, at most 200
}

// Decode reads a message. Errors: left4me.Invalid for what is none, and
// left4me.Unavailable for one of a newer version, which can be read once this
// left4me is brought up to date. A message without a version is taken.
func Decode(data []byte, v any) error {
	var head struct {
		V int `json:"v"`
	}
	// First, since a newer message may not fit what v is today.
	if json.Unmarshal(data, &head) == nil && head.V > Version {
		return newer(head.V)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return left4me.NewError(left4me.Invalid, "message.unreadable").Because(err)
	}
	return nil
}

func newer(v int) *left4me.Error {
	return left4me.NewError(left4me.Unavailable, "message.too_new", "version", v, "known", Version)
}
