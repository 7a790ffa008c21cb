// Package vpk compares `left4me vpk` with a reader in another language that was
// written from the description of the format alone.
package vpk
