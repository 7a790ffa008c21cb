// Package vpk reads VPK archives, in which Source engine games and their add-ons store their files. It
// supports versions 1 and 2, with the data in the same file or in separate files ("x_dir.vpk" with
// "x_000.vpk" and so on).
//
// Archives are untrusted input. Only the tree is held in memory, a few dozen bytes per entry, and no
// declared size is trusted beyond the size of the file. Names are not checked when an archive is
// opened: as an [fs.FS], an [Archive] contains only the names that [fs.ValidPath] accepts, and
// [Archive.Extract] rejects the whole archive if one name is unsafe.
//
// The format is documented as "VPK (file format)" in the Valve Developer Community wiki. The package
// does not verify signatures, does not write archives, and rejects archives without a header (a beta of
// 2008) and Respawn's version of the format.
package vpk
