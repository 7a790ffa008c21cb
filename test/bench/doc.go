// Package bench measures left4me from outside. It has the build tag bench; the script run in this
// directory runs it.
package bench
