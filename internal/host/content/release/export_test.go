package release

// Read exports read for tests.
var Read = read
