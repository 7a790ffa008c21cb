//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

func TestMachineStopsWhenOwnerIsKilled(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	run := filepath.Join(t.TempDir(), "run")
	owner := exec.Command("sleep", "infinity")
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Process.Kill(); _ = owner.Wait() }()
	env := append(os.Environ(), "LEFT4ME_E2E_RUN="+run)
	boot := command("./machine", "boot")
	boot.Env = append(env, "LEFT4ME_E2E_OWNER="+strconv.Itoa(owner.Process.Pid))
	defer func() { stop := command("./machine", "stop"); stop.Env = env; _ = stop.Run() }()
	if err := boot.Run(); err != nil {
		t.Fatal(err)
	}
	leader, err := os.ReadFile(filepath.Join(run, "leader"))
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(run, "state"))
	if err != nil {
		t.Fatal(err)
	}
	_ = owner.Process.Kill()
	_ = owner.Wait()
	for _, path := range []string{"/proc/" + string(leader[:len(leader)-1]), run, string(state[:len(state)-1])} {
		eventually(t, path+" is gone", func() bool { _, err := os.Lstat(path); return err != nil })
	}
}
