//go:build race

package main

// raceFlags build the server under test as this test is built.
var raceFlags = []string{"-race"}
