package release

// Read is read.
var Read = read
