package instance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// stagePrefix is the prefix of directories in runtime with files that are not in place yet. Such a name
// belongs to no server.
const stagePrefix = ".restore-"

// Stage creates a directory on the file system of the runtime directories, which only this user can
// enter. The caller closes it.
func (r Root) Stage(id left4me.JobID) (dir *os.Root, name string, err error) {
	runtime := filepath.Dir(r.Runtime("x"))
	name = stagePrefix + string(id)
	if filepath.Base(name) != name {
		return nil, "", fmt.Errorf("job %q: no name for a directory", id)
	}
	if err := os.MkdirAll(runtime, 0o751); err != nil {
		return nil, "", err
	}
	if err := os.RemoveAll(filepath.Join(runtime, name)); err != nil { // of an interrupted run
		return nil, "", err
	}
	if err := os.Mkdir(filepath.Join(runtime, name), 0o700); err != nil {
		return nil, "", err
	}
	dir, err = os.OpenRoot(filepath.Join(runtime, name))
	return dir, name, err
}

// KeepStaged makes a staged directory the runtime directory of n, for which there must be none.
func (r Root) KeepStaged(stage, dir string, n left4me.Name) error {
	to := r.Runtime(n)
	if err := os.Rename(filepath.Join(filepath.Dir(to), stage, dir), to); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(to))
}

// DropStages removes all stages.
func (r Root) DropStages() error {
	all, err := filepath.Glob(filepath.Join(filepath.Dir(r.Runtime("x")), stagePrefix+"*"))
	for _, dir := range all {
		// Restored directories may have no permissions.
		_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				_ = os.Chmod(p, 0o700)
			}
			return nil
		})
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}
