// Package addon reads the metadata of Left 4 Dead 2 add-ons: addoninfo.txt and the campaigns in
// missions/*.txt.
//
// Both are KeyValues files written by hand, in any encoding, often with mistakes. They are read as the
// game reads them; each mistake that changes the result is returned as a problem with its line. Other
// files that they reference (#include, #base) are never read. Texts are cut at the package's limits and
// may contain any characters.
//
// The formats are documented as "Addon Info" and "L4D2 Mission file" in the Valve Developer Community
// wiki. Localised texts ("#token") are not looked up.
package addon
