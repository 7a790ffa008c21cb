// Package panel holds the browser tests of the panel. They have the build tag panel;
// script/test-panel runs them.
package panel
