// Package settings tests that no setting can be anything else in the game: what
// control lets in and a host writes is read by a parser of cfg files that was
// written for this test alone, and by the console of the simulated server.
package settings
