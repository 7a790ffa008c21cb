// Package rollouts is how pages show that servers move over to another build of the
// game or another revision of an overlay, and the choices of when they do.
package rollouts
