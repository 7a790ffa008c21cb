// Package install implements `left4me install-game`, the process between the agent and SteamCMD
// that installs or updates the game.
//
// The agent writes a request, has the supervisor start the process, and reads its progress from a
// file, line by line. The agent may therefore end at any moment: SteamCMD continues, and the next
// agent resumes reading. The process writes only to the overlay on the installation, never to
// anything that servers have mounted, and it publishes nothing.
package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// RequestName is the name of the request file in the installer's instance directory.
const RequestName = "request.json"

const (
	version    = 1
	maxRequest = 64 << 10
)

// Request describes an installation, an update or a check.
type Request struct {
	V           int           `json:"v"`
	ID          left4me.JobID `json:"id"`
	Latest      bool          `json:"latest,omitempty"`   // only ask Steam for the newest build
	Validate    bool          `json:"validate,omitempty"` // verify all files against Steam's
	SteamCMD    string        `json:"steamcmd,omitempty"` // the agent's LEFT4ME_STEAMCMD
	SteamCMDURL string        `json:"steamcmd_url,omitempty"`
}

// Append appends the encoded request to dst.
func (r Request) Append(dst []byte) ([]byte, error) {
	r.V = version
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, err
	}
	return append(append(dst, b...), '\n'), nil
}

// ReadRequest reads the current request. Errors: fs.ErrNotExist if there is none.
func ReadRequest(root instance.Root) (Request, error) {
	f, err := os.Open(filepath.Join(root.Instance(left4me.InstallInstance), RequestName))
	if err != nil {
		return Request{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRequest))
	if err != nil {
		return Request{}, err
	}
	return parseRequest(b)
}

func parseRequest(b []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(b, &r); err != nil {
		return Request{}, fmt.Errorf("%s: %w", RequestName, err)
	}
	switch {
	case r.V != version:
		return Request{}, fmt.Errorf("%s is of version %d: bring left4me up to date", RequestName, r.V)
	case r.ID == "":
		return Request{}, errors.New(RequestName + " names no job")
	}
	return r, nil
}

// Line is one line of the progress file.
type Line struct {
	At       time.Time         `json:"at"`
	Step     string            `json:"step,omitempty"` // step that starts now
	Progress *left4me.Progress `json:"progress,omitempty"`
	Note     left4me.Note      `json:"note,omitzero"` // note of the current step
	Log      string            `json:"log,omitempty"` // output of SteamCMD
	Result   *Result           `json:"result,omitempty"`
}

// Result is the outcome; it is on the last line of the progress file.
type Result struct {
	Build  int64          `json:"build,omitempty"`  // build in the overlay
	Latest int64          `json:"latest,omitempty"` // newest build at Steam
	Error  *left4me.Error `json:"error,omitempty"`
	Cause  string         `json:"cause,omitempty"` // cause of Error: a steamcmd.Cause
}

// ProgressFile returns the path of the progress file.
func ProgressFile(root instance.Root) string {
	return filepath.Join(root.Logs(left4me.InstallInstance), "progress.ndjson")
}
