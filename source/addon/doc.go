// Package addon reads what an add-on of Left 4 Dead 2 says of itself: addoninfo.txt, and its campaigns in missions/*.txt.
//
// Both are KeyValues made by hand, in any encoding, often with slips. They are read as the game reads them, and what it
// makes of a slip comes back as a problem with its line.
// Other files that they name (#include, #base) are never read. Texts are as long as their authors wanted up to limits,
// beyond which they are cut; they hold anything.
//
// The formats are "Addon Info" and "L4D2 Mission file" of the Valve Developer Community. Localised texts ("#token") are
// not looked up.
package addon
