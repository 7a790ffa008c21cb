// Package vpk compares `left4me vpk` with an independent reader in Python that was written from the
// description of the format alone.
package vpk
