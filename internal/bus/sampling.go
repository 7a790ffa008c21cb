package bus

import (
	_ "unsafe" // for go:linkname

	_ "github.com/nats-io/nats-server/v2/server/pse" // has procStatFile
)

// procStatFile is the variable of that name in nats-server's package pse: the file
// that is read for the processor time of this process. That package begins to read
// it each second when it is initialised, in every program that it is linked into,
// and ends only when it can't read it.
//
//go:linkname procStatFile github.com/nats-io/nats-server/v2/server/pse.procStatFile
var procStatFile string

// StopSampling ends what nats-server does each second in each process that it is
// linked into: it samples processor time for figures of its monitoring, which
// left4me has no use for and which are zero from then on. In a shim that was most
// of what it did while its server ran. Call it when the program begins.
//
// The sampler may read the variable meanwhile: only its length changes, in one
// store, so that it sees the whole name or none.
//
//go:norace
func StopSampling() { procStatFile = procStatFile[:0] }
