package game_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// insideVar is set in the process that runs in its own mount namespace.
const insideVar = "LEFT4ME_TEST_NAMESPACE"

// noMount explains why the tests cannot mount; empty if they can.
var noMount string

// TestMain runs the tests in a mount namespace of their own, so that no mount outlives them. For an
// ordinary user it also creates a user namespace.
func TestMain(m *testing.M) {
	if os.Getenv(insideVar) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Fprintln(os.Stderr, "private mounts:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.fuzz") }) {
		noMount = "a fuzzer talks to its workers over descriptors that they would lose"
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_DAC_OVERRIDE, unix.CAP_CHOWN, unix.CAP_FOWNER}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	default:
		noMount = fmt.Sprintf("this user can't have a mount namespace: %v", err)
		os.Exit(m.Run())
	}
}

func TestPackageWorksAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the test already runs as an ordinary user")
	}
	const nobody = 65534
	cmd := exec.Command("/proc/self/exe", "-test.short", "-test.v", "-test.timeout=120s")
	cmd.Dir = "/"
	cmd.Env = []string{"TMPDIR=/tmp", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "can't have a mount namespace") {
		t.Skip("an ordinary user can't have a mount namespace here")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- PASS: TestBuildsKeep") {
		return
	}
	t.Fatalf("the tests did not run:\n%s", out)
}
