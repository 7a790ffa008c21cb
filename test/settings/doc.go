// Package settings tests that no setting can inject anything into the game. It checks the
// configuration that left4me writes for settings that control accepts, with a cfg parser written
// for this test alone and with the console of the simulated server.
package settings
