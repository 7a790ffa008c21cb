// Package vdf reads and writes KeyValues, the text format ("VDF") of Source engine files: addoninfo.txt, missions,
// gameinfo.txt, Steam's app manifests.
//
// The reader keeps order and duplicate keys. It forgives what is common in files made by hand: a missing quote or
// brace at the end of the file, unquoted tokens, any of the encodings that [Decode] knows. Files are often made by
// strangers: size and depth are bounded, and other files are only read through a function that the caller gives.
//
// The format is "KeyValues" of the Valve Developer Community. Differences to the engine: no limit on the length of a
// token, and nothing is registered or localised.
package vdf
