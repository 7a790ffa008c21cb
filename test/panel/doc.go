// Package panel holds the tests of the panel in a real browser; its code is
// behind the build tag panel. See script/test-panel.
package panel
