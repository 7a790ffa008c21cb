// Package steamcmd runs the real SteamCMD, as packaged by Debian, without a network.
// script/test-steamcmd fetches it and runs the tests.
package steamcmd
