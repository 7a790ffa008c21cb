package agent

import (
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// configDiff says what a start would generate for a server, against what it was
// started with last.
func (a *Agent) configDiff(spec left4me.Spec) (any, error) {
	files, err := a.Files.Diff(spec)
	if err != nil {
		return nil, err
	}
	d := bus.ConfigDiff{V: bus.Version, Files: make([]bus.ConfigFile, len(files))}
	for i, f := range files {
		d.Files[i] = bus.ConfigFile(f)
	}
	return d, nil
}
