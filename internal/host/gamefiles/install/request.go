// Package install is what runs while the game is installed or updated: the
// program between the agent and SteamCMD, `left4me install-game`.
//
// The agent writes a request, has the supervisor start the program, and reads
// what it tells from a file, line by line. So the agent may be ended at any
// moment: SteamCMD works on, and the next agent reads on. The program writes to
// the overlay over the installation and to nothing that servers have mounted; it
// publishes nothing.
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

// RequestName is the file of a request, in the instance of the installation.
const RequestName = "request.json"

const (
	version    = 1
	maxRequest = 64 << 10
)

// Request is what the agent asks for.
type Request struct {
	V           int           `json:"v"`
	ID          left4me.JobID `json:"id"`
	Latest      bool          `json:"latest,omitempty"`   // only ask for the newest build
	Validate    bool          `json:"validate,omitempty"` // compare all files with what Steam has
	SteamCMD    string        `json:"steamcmd,omitempty"` // LEFT4ME_STEAMCMD of the agent
	SteamCMDURL string        `json:"steamcmd_url,omitempty"`
}

// Append writes a request behind dst.
func (r Request) Append(dst []byte) ([]byte, error) {
	r.V = version
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, err
	}
	return append(append(dst, b...), '\n'), nil
}

// ReadRequest reads the request that is there. Errors: fs.ErrNotExist.
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

// Line is one thing that the program tells.
type Line struct {
	At       time.Time         `json:"at"`
	Step     string            `json:"step,omitempty"` // the step that runs from now on
	Progress *left4me.Progress `json:"progress,omitempty"`
	Note     string            `json:"note,omitempty"` // of the step
	Log      string            `json:"log,omitempty"`  // what SteamCMD printed
	Result   *Result           `json:"result,omitempty"`
}

// Result is how it ended: the last line.
type Result struct {
	Build  int64          `json:"build,omitempty"`  // that is in the overlay now
	Latest int64          `json:"latest,omitempty"` // that Steam has
	Error  *left4me.Error `json:"error,omitempty"`
	Cause  string         `json:"cause,omitempty"` // of the error: a steamcmd.Cause
}

// ProgressFile is where the program tells how far it is.
func ProgressFile(root instance.Root) string {
	return filepath.Join(root.Logs(left4me.InstallInstance), "progress.ndjson")
}
