package firewall

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Typical rules in the language of nft.
const (
	policyDrop = `table inet filter { chain input { type filter hook input priority 0; policy drop; iifname "lo" accept; ct state established,related accept; tcp dport 22 accept; %s; } }`
	ours       = `table inet left4me { set a2s { type ipv4_addr; flags dynamic; timeout 60s; size 65536; }
		chain pre { type filter hook prerouting priority raw; policy accept;
		udp dport 27015-27050 udp length 8 counter drop
		udp dport 27015-27050 @th,64,32 0xffffffff @th,96,8 { 0x54, 0x55 } update @a2s { ip saddr limit rate over 10/second burst 20 packets } counter drop; } }`
	jumps = `table ip filter { chain INPUT { type filter hook input priority filter; policy drop; jump user; } chain user { udp dport { 80, 27000-27100 } accept; } }`
	named = `table inet filter { set games { type inet_service; flags interval; elements = { 27015-27020, 28000 }
 } chain input { type filter hook input priority 0; policy drop; udp dport @games accept; } }`
)

var rulesets = []struct {
	name, rules string
	want        Verdict
	ours        bool
}{
	{"no rules", "", Open, false},
	{"policy that drops", strings.Replace(policyDrop, "%s", "", 1), Dropped, false},
	{"rule that opens the port", strings.Replace(policyDrop, "%s", "udp dport 27015 accept", 1), Open, false},
	{"rule that opens another port", strings.Replace(policyDrop, "%s", "udp dport 27016 accept", 1), Dropped, false},
	{"rule that opens TCP", strings.Replace(policyDrop, "%s", "tcp dport 27015 accept", 1), Dropped, false},
	{"range that includes the port", strings.Replace(policyDrop, "%s", "udp dport 27000-27100 accept", 1), Open, false},
	{"rule that opens UDP", strings.Replace(policyDrop, "%s", "meta l4proto udp accept", 1), Open, false},
	{"rule that opens some addresses", strings.Replace(policyDrop, "%s", "ip saddr 192.0.2.0/24 accept", 1), Unclear, false},
	{
		"rule that opens the port for some addresses", strings.Replace(policyDrop, "%s", "ip saddr 192.0.2.0/24 udp dport 27015 accept", 1),
		Open, false,
	},
	{
		"rule that drops the port", `table inet x { chain c { type filter hook input priority 0; udp dport 27015 counter drop; } }`,
		Dropped, false,
	},
	{
		"rule that drops other ports", `table inet x { chain c { type filter hook input priority 0; udp dport != 27015 drop; } }`, Open,
		false,
	},
	{"output chain", `table inet x { chain c { type filter hook output priority 0; policy drop; } }`, Open, false},
	{"jump to ufw's user chain", jumps, Open, false},
	{"named set", named, Open, false},
	{"limits against floods", ours, Open, true},
}

// inNamespace runs the current test again in its own network namespace, where it may set rules.
func inNamespace(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "FIREWALL_NAMESPACE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("namespaces are not available here")
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestVerdictMatchesRealRulesets(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("nft is missing: apt-get install nftables")
	}
	if os.Getenv("FIREWALL_NAMESPACE") == "" {
		inNamespace(t)
		return
	}
	for _, tt := range rulesets {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, "nft", "-f", "-")
		cmd.Stdin = strings.NewReader("flush ruleset\n" +
			strings.NewReplacer("; ", ";\n", "} }", "}\n}", "} chain", "}\nchain").Replace(tt.rules))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: got %v %s", tt.name, err, out)
		}
		r, err := Read(ctx)
		cancel()
		if err != nil {
			t.Fatalf("%s: got %v", tt.name, err)
		}
		if got, where := r.Port("udp", 27015); got != tt.want || r.Ours() != tt.ours || (where == Chain{}) != (got == Open) {
			t.Errorf("%s: got %v in %+v, want %v; ours: %v", tt.name, got, where, tt.want, r.Ours())
		}
	}
}

func TestReadReportsMissingPermission(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for script, want := range map[string]error{
		"echo 'Operation not permitted (you must be root)' >&2; exit 1":                           ErrDenied,
		"echo 'netlink: Error: cache initialization failed: Operation not permitted' >&2; exit 1": ErrDenied,
		"exit 0": nil,
	} {
		if err := os.WriteFile(dir+"/nft", []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: got %v", script, err)
		}
	}
}

// Rules come from the kernel, but programs other than nft write them too.
func FuzzParse(f *testing.F) {
	f.Add(
		[]byte(
			`{"nftables":[{"chain":{"family":"inet","table":"t","name":"c","hook":"input","policy":"drop"}},{"rule":{"family":"inet","table":"t","chain":"c","expr":[{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":{"set":[27015,{"range":[1,2]}]}}},{"accept":null}]}}]}`))
	f.Add(
		[]byte(
			`{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","hook":"input"}},{"rule":{"family":"ip","table":"t","chain":"c","expr":[{"jump":{"target":"c"}}]}}]}`))
	f.Add([]byte(`{"nftables":[{"set":{"family":"inet","table":"t","name":"s","elem":[1,{"range":[2,3]}]}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err == nil {
			r.Port("udp", 27015)
			r.Ours()
		}
	})
}
