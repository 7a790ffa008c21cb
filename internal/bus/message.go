package bus

import (
	"encoding/json"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Version is the version of all messages in this package. A newer controller supports agents that
// are one minor version older.
const Version = 1

// Verbs of Command, with request → answer.
const (
	VerbPing       = "ping"        // Empty → Empty, as soon as the host answers requests
	VerbStatus     = "status"      // Empty → []left4me.Status, of every instance on the host
	VerbPort       = "port"        // PortRequest → Empty; Conflict names the user of the port
	VerbCancel     = "cancel"      // CancelRequest → Empty
	VerbWork       = "work"        // JobMessage → Empty: a job that doesn't fit into the queue; it is claimed as usual
	VerbStop       = "stop"        // JobMessage → Empty: a stop whose row cannot be written; it starts immediately, without a claim
	VerbConsole    = "console"     // ConsoleRequest → ConsoleChunk
	VerbRemoveKept = "remove-kept" // KeptRequest → KeptAnswer
	VerbCommand    = "command"     // CommandRequest → CommandAnswer
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
	// BootID changes with each boot of the machine; empty if unknown.
	BootID string `json:"boot_id,omitempty"`
	// Address is the source address of the host's packets to the internet; empty if unknown.
	Address string `json:"address,omitempty"`
}

// PortRequest asks whether a port is free on a host.
type PortRequest struct {
	V    int `json:"v"`
	Port int `json:"port"`
}

// KeptRequest requests the permanent removal of the files of a deleted server, if any.
type KeptRequest struct {
	V  int        `json:"v"`
	ID left4me.ID `json:"id"`
}

// KeptAnswer describes the files that could not be removed and were moved aside instead; Warning is empty if there are none.
type KeptAnswer struct {
	V       int    `json:"v"`
	Warning string `json:"warning,omitempty"`
}

// CancelRequest requests the cancellation of a job.
type CancelRequest struct {
	V  int           `json:"v"`
	ID left4me.JobID `json:"id"`
}

// ConsoleRequest requests the console output after a position. The answer waits up to Wait for
// output.
type ConsoleRequest struct {
	V      int           `json:"v"`
	Server left4me.Name  `json:"server"`
	After  int64         `json:"after"` // -1: the recent history
	Max    int           `json:"max"`   // bytes
	Wait   time.Duration `json:"wait"`
}

// ConsoleChunk is a part of a server's console output: whole lines, each ended by a line feed.
// After and Position are byte offsets in the server's complete output; Lost is the number of bytes
// between the requested position and After that are no longer available.
type ConsoleChunk struct {
	V        int    `json:"v"`
	After    int64  `json:"after"`
	Position int64  `json:"position"`
	Lost     int64  `json:"lost,omitempty"`
	Text     string `json:"-"` // sent after the JSON line; see reply
}

// CommandRequest runs a console command on a server.
type CommandRequest struct {
	V       int          `json:"v"`
	Server  left4me.Name `json:"server"`
	Command string       `json:"command"`
}

// CommandAnswer is the output of a console command.
type CommandAnswer struct {
	V      int    `json:"v"`
	Output string `json:"output"`
}

// JobMessage is a job for a host.
type JobMessage struct {
	V      int             `json:"v"`
	ID     left4me.JobID   `json:"id"`
	Kind   left4me.JobKind `json:"kind"`
	Target left4me.Name    `json:"target"`
	Spec   json.RawMessage `json:"spec"` // depends on Kind: left4me.Spec, left4me.GameSpec, …
	// RequestID is the id of the request that caused the job; see package requestid.
	RequestID string `json:"request_id,omitempty"`
}

// ClaimRequest asks whether a host may work on a job now.
type ClaimRequest struct {
	V  int           `json:"v"`
	ID left4me.JobID `json:"id"`
}

// Verdict is the answer to a claim.
type Verdict string

// The verdicts.
const (
	Go    Verdict = "go"    // work on the job
	Drop  Verdict = "drop"  // the job has ended or is unknown
	Later Verdict = "later" // another job of the target is active
)

// ClaimAnswer is the answer to a ClaimRequest.
type ClaimAnswer struct {
	V       int     `json:"v"`
	Verdict Verdict `json:"verdict"`
	Attempt int     `json:"attempt"`
}

// JobReport is the progress or the end of a job. State is JobRunning until its end.
type JobReport struct {
	V     int              `json:"v"`
	ID    left4me.JobID    `json:"id"`
	State left4me.JobState `json:"state"`
	Steps []left4me.Step   `json:"steps"`
	Log   []string         `json:"log,omitempty"` // last lines of output
	Error *left4me.Error   `json:"error,omitempty"`
}

// Crash describes a crash of a server.
type Crash struct {
	V        int           `json:"v"`
	Server   left4me.Name  `json:"server"`
	ServerID left4me.ID    `json:"server_id,omitempty"` // absent if started by an older left4me
	At       time.Time     `json:"at"`
	Exit     string        `json:"exit"` // "segmentation fault", "exit status 1"
	Uptime   time.Duration `json:"uptime"`
	Lines    []string      `json:"lines"` // last lines of output, at most 200
}

// Decode decodes a message. Errors: left4me.Invalid for a malformed message, left4me.Unavailable
// for one of a newer version, which needs an update of this left4me. A message without a version is
// accepted.
func Decode(data []byte, v any) error {
	var head struct {
		V int `json:"v"`
	}
	// The version is checked first, because a newer message may not fit into v.
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
