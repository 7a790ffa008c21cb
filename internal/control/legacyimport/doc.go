// Package legacyimport imports users, blueprints, servers and overlay definitions from the database
// of the older left4me, which was written in Python.
//
// The schema of that database was never published, so tables and columns are matched against lists
// of likely names. Everything that isn't understood or has no equivalent is reported; nothing is
// dropped silently. Read only reads; Apply adds what is missing, so it can be repeated.
package legacyimport
