// Package filelist contains the parts of pages that show files of overlays and of
// servers: addresses, the path above a list, differences, warnings and encodings.
package filelist
