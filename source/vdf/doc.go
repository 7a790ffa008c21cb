// Package vdf reads and writes KeyValues, the text format ("VDF") of Source engine files: addoninfo.txt, missions,
// gameinfo.txt, Steam's app manifests.
//
// There are two readers. [ParseGame] is for files that people make: it gives what the game makes of them, which never
// refuses a file, and says where that is probably not what was meant. [Parse] is for files that programs write: a broken
// one is an error. Both keep order and duplicate keys.
//
// Files are often made by strangers: size and depth are bounded, and other files are only read through a function that the
// caller gives. Nothing is registered or localised.
//
// The format is "KeyValues" of the Valve Developer Community; what the game makes of it is the code of its engine, see
// [ParseGame].
package vdf
