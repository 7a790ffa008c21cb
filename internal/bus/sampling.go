package bus

import (
	_ "unsafe" // for go:linkname

	_ "github.com/nats-io/nats-server/v2/server/pse" // declares procStatFile
)

// procStatFile is the variable of that name in nats-server's package pse: the file from which the
// processor time of this process is read. The package starts to read it every second when it is
// initialised, in every program it is linked into, and only stops when it cannot read the file.
//
//go:linkname procStatFile github.com/nats-io/nats-server/v2/server/pse.procStatFile
var procStatFile string

// StopSampling stops nats-server's sampling of processor time, which otherwise runs every second in
// each process it is linked into. The samples are for nats-server's monitoring, which left4me
// doesn't use and which reports zero afterwards. In a shim, sampling caused most of the activity
// while its server ran. StopSampling must be called at the start of the program.
//
// The sampler may read the variable at the same time. Only its length changes, in a single store,
// so the sampler sees either the whole name or none.
//
//go:norace
func StopSampling() { procStatFile = procStatFile[:0] }
