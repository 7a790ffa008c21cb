// Package filelist is what lists of files share, those of overlays and those of
// servers: addresses, the path above a list, differences, warnings and encodings.
package filelist
