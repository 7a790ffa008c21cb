package shim_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/host/running/shim"
)

// A child that is being forked shares each descriptor until it executes its program.
func TestUnlockedLockIsFreeDespiteCopiedDescriptor(t *testing.T) {
	run := t.TempDir()
	lock, err := shim.Lock(run, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	inChild, err := unix.Dup(int(lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(inChild)
	if _, err := shim.Lock(run, "alpha"); !errors.Is(err, shim.ErrSecond) {
		t.Fatal(err)
	}
	shim.Unlock(lock)
	again, err := shim.Lock(run, "alpha")
	if err != nil {
		t.Fatal(err)
	}
	shim.Unlock(again)
}
