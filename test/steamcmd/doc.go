// Package steamcmd drives the real SteamCMD, Debian's package of it, where it has no way to Steam. script/test-steamcmd
// fetches it and runs the tests.
package steamcmd
