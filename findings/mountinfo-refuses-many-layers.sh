#!/usr/bin/env bash
# github.com/moby/sys/mountinfo v0.7.3, Go 1.26, Linux 6.18 (any from 6.7 on). Needs Go, the Go module proxy, util-linux'
# unshare, and root or user namespaces.
#
# The package with which runc, containerd and Docker read mount tables should read every table that the kernel writes. The kernel
# limits mount options to one page only if they are passed in one string, mount(2). With fsconfig(2) and "lowerdir+", an overlay
# has up to 500 layers, and its line in /proc/self/mountinfo contains all their paths: 86 kB here, with paths of 170 bytes.
# GetMounts reads lines with a bufio.Scanner of the default size, 64 KiB, which cannot be changed. A single such mount anywhere in
# the namespace, created by any process, makes GetMounts fail for all mounts, and with every filter that does not stop before that
# line. Mounts read before it are not returned either. Mounted still works, because it tries statx first.
#
# Output seen:
#   line of the overlay: more than 64 KiB: true
#   GetMounts: 0 mounts, bufio.Scanner: token too long
#   GetMounts(FSTypeFilter("proc")): 0 mounts, bufio.Scanner: token too long
#
# Exits non-zero when this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init finding >/dev/null 2>&1
go get github.com/moby/sys/mountinfo@v0.7.3 golang.org/x/sys@v0.49.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

func must(what string, err error) {
	if err != nil {
		fmt.Println(what+":", err)
		os.Exit(1)
	}
}

func main() {
	dir := os.Args[1]
	must("mount a tmpfs", unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	overlay, err := unix.Fsopen("overlay", 0)
	must("fsopen", err)
	for i := range 500 {
		layer := filepath.Join(dir, fmt.Sprintf("%s-%d", strings.Repeat("p", 150), i))
		must("mkdir", os.Mkdir(layer, 0o755))
		must("fsconfig: lowerdir+", unix.FsconfigSetString(overlay, "lowerdir+", layer))
	}
	must("fsconfig: create", unix.FsconfigCreate(overlay))
	mount, err := unix.Fsmount(overlay, 0, 0)
	must("fsmount", err)
	must("mkdir", os.Mkdir(dir+"/merged", 0o755))
	must("move_mount", unix.MoveMount(mount, "", unix.AT_FDCWD, dir+"/merged", unix.MOVE_MOUNT_F_EMPTY_PATH))

	table, err := os.ReadFile("/proc/self/mountinfo")
	must("read the table", err)
	long := false
	for line := range bytes.Lines(table) {
		long = long || len(line) > 64<<10
	}
	fmt.Println("line of the overlay: more than 64 KiB:", long)
	all, err := mountinfo.GetMounts(nil)
	fmt.Printf("GetMounts: %d mounts, %v\n", len(all), err)
	some, ferr := mountinfo.GetMounts(mountinfo.FSTypeFilter("proc"))
	fmt.Printf("GetMounts(FSTypeFilter(\"proc\")): %d mounts, %v\n", len(some), ferr)
	if !long || err == nil || ferr == nil || len(all)+len(some) > 0 {
		os.Exit(1)
	}
}
GO
go mod tidy >/dev/null 2>&1
go build -o finding .
mkdir at
unshare=(unshare --mount)
[ "$(id -u)" = 0 ] || unshare=(unshare --user --map-root-user --mount)
"${unshare[@]}" ./finding "$dir/at"
