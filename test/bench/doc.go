// Package bench measures left4me from outside; see run. Its code is behind the
// build tag bench.
package bench
