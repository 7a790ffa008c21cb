// Package vdf reads and writes KeyValues ("VDF"), the text format of Source engine files:
// addoninfo.txt, missions, gameinfo.txt and Steam's app manifests.
//
// The package has two parsers. [ParseGame] is for files written by people: it returns the tree that the
// game sees, never rejects a file, and reports where this is probably not what the author meant.
// [Parse] is for files written by programs: an invalid file is an error. Both preserve order and
// duplicate keys.
//
// Files are untrusted input: size and depth are limited, and other files are read only through a
// function supplied by the caller. The package does not localise texts.
//
// The format is documented as "KeyValues" in the Valve Developer Community wiki; the game's behaviour
// follows the code of its engine, see [ParseGame].
package vdf
