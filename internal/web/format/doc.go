// Package format is how text, numbers and times are written on pages.
package format
