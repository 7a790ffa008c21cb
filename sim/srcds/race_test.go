//go:build race

package main

// raceFlags builds the server under test with the race detector, like this test.
var raceFlags = []string{"-race"}
