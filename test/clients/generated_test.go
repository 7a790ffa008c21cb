//go:build clients

package clients

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/test/stage"
)

// Clients that independent generators create from the unmodified API description list and create
// servers, start one, read an error and upload a file.
func TestGeneratedClientsWork(t *testing.T) {
	s := stage.New(t, 32750, "SIM_PLAYERS=0", "SIM_MAP_LOAD=50ms")
	s.Serve(t)
	s.Must(t, "POST", "/overlays", object{"name": "mods", "kind": "files"}, nil)
	s.Must(t, "POST", "/users", object{"name": "admin", "password": "correct horse battery", "admin": true}, nil)
	var token struct{ Token string }
	s.Must(t, "POST", "/tokens", object{"label": "clients", "user": "admin"}, &token)
	description, err := filepath.Abs("../../internal/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"URL=http://" + s.Address, "TOKEN=" + token.Token}
	t.Run("generated", func(t *testing.T) { // ends when its parallel subtests have ended
		t.Run("oapi-codegen", func(t *testing.T) {
			t.Parallel()
			dir := copied(t, "testdata/go")
			made := filepath.Join(dir, "oapi/client")
			if err := os.Mkdir(made, 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, dir, nil, "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "client", "-o", made+"/client.go",
				description)
			run(t, dir, env, "go", "run", "./oapi")
		})
		t.Run("ogen", func(t *testing.T) {
			t.Parallel()
			dir := copied(t, "testdata/go")
			run(t, dir, nil, "go", "tool", "ogen", "--config", "ogen.yml", "--target", "ogen/client", "--package", "client", description)
			run(t, dir, env, "go", "run", "./ogen")
		})
		t.Run("openapi-typescript", func(t *testing.T) {
			t.Parallel()
			modules, err := filepath.Abs("testdata/ts/node_modules") // script/test-clients installs them
			if err != nil {
				t.Fatal(err)
			}
			dir := copied(t, "testdata/ts")
			if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
			run(t, dir, nil, "node_modules/.bin/openapi-typescript", description, "-o", "api.ts")
			run(t, dir, nil, "node_modules/.bin/tsc", "-p", ".")
			run(t, dir, env, "node", "out/client.js")
		})
	})
}

// copied copies the files of a directory to a temporary directory and returns its path.
func copied(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	run(t, ".", nil, "sh", "-c", `tar -C "$1" --exclude=node_modules -cf - . | tar -C "$2" -xf -`, "sh", from, dir)
	return dir
}

func run(t *testing.T, dir string, env []string, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // the first run also builds compilers
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
}
