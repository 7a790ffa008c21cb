package bus_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server/pse"

	"github.com/left4me/left4me/internal/bus"
)

// ProcUsage reads the same file as the sampler, which stops at the first error (pse_linux.go). A
// test in test/chaos checks that an idle shim sleeps.
func TestStopSamplingStopsNATSSampler(t *testing.T) {
	var cpu float64
	var rss, vss int64
	if err := pse.ProcUsage(&cpu, &rss, &vss); err != nil {
		t.Fatal(err)
	}
	bus.StopSampling()
	if err := pse.ProcUsage(&cpu, &rss, &vss); err == nil {
		t.Error("nats-server still reads the processor time of this process each second")
	}
}
