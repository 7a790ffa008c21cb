//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The kernel of the test machine takes layers by descriptor; those of Debian 12 and 13 do not, so
// the helper mounts differently on them. The tests of that fallback run here within the limits of
// the helper's unit.
func TestHelperUnitAllowsMountsOfOlderKernels(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	build := command("go", "test", "-c", "-o", outside+"/root/overlayfs.test", "./internal/host/running/overlayfs")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"left4me-mount@.service", "left4me-unmount@.service"} {
		b, err := os.ReadFile(filepath.Join("../../deploy/systemd", unit))
		if err != nil {
			t.Fatal(err)
		}
		const probe = "left4me-filter-probe.service"
		text := regexp.MustCompile(
			`(?m)^(ExecStart|ExecStop|Conflicts|After|StopWhenUnneeded|RemainAfterExit)=.*\n`).ReplaceAllString(string(b), "")
		text = strings.Replace(text, "[Service]\n", `[Service]
ExecStart=/root/overlayfs.test -test.v -test.run "(Layers|Device|Odd|Reader|Writer|RootOwned)/names"
StandardOutput=file:/root/probe.log
# The tests' own way to a namespace of theirs is one of the things not allowed.
PrivateMounts=yes
# They make directories and files, which the helper doesn't.
SystemCallFilter=mkdirat
Environment=LEFT4ME_TEST_NAMESPACE=1 TMPDIR=`+root+`
`, 1)
		if err := os.WriteFile(outside+"/etc/systemd/system/"+probe, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		must(t, "systemctl", "daemon-reload")
		_, err = in("systemctl", "start", probe)
		log := must(t, "cat", "/root/probe.log")
		if err != nil || strings.Count(log, "--- PASS: Test") < 6 || strings.Contains(log, "--- SKIP") {
			t.Errorf("%s: %v\n%s\n%s", unit, err, log, must(t, "journalctl", "--no-pager", "-u", probe, "-n", "20"))
		}
	}
}
