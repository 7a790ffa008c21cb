#!/usr/bin/env bash
# modernc.org/sqlite v1.62.0 (SQLite 3.54.1), Go 1.26, Linux. Needs Go, user namespaces and the Go module proxy.
#
# A statement inside a *sql.Tx meets a full disk: SQLITE_FULL (13). SQLite rolls the whole transaction back
# (sqlite.org/lang_transaction.html, 2.3), but database/sql does not notice. Unexpectedly for a transaction:
#   - the next statement on the same Tx succeeds, and is immediately committed on its own;
#   - Commit then fails with "cannot commit - no transaction is active (1)", although that statement was committed.
# Code that continues after a failed insert (skips it, logs it) therefore leaves half a transaction in the database.
#
# Output seen:
#   first: database or disk is full (13)
#   second: <nil>
#   commit: SQL logic error: cannot commit - no transaction is active (1)
#   rows kept: 1
#
# Exits non-zero when any of this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init finding >/dev/null 2>&1
go get modernc.org/sqlite@v1.62.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "modernc.org/sqlite"
)

func main() {
	dir := os.Args[1]
	db, err := sql.Open("sqlite", "file:"+dir+"/a.db?_pragma=journal_mode(WAL)&_txlock=immediate")
	must(err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE t(a TEXT)`)
	must(err)
	must(os.WriteFile(dir+"/filler", make([]byte, 600<<10), 0o600))
	tx, err := db.Begin()
	must(err)
	_, first := tx.Exec(`INSERT INTO t VALUES (hex(zeroblob(4000000)))`)
	_, second := tx.Exec(`INSERT INTO t VALUES ('small')`)
	commit := tx.Commit()
	var kept int
	must(db.QueryRow(`SELECT count(*) FROM t`).Scan(&kept))
	fmt.Printf("first: %v\nsecond: %v\ncommit: %v\nrows kept: %d\n", first, second, commit, kept)
	if first == nil || second != nil || commit == nil || kept != 1 {
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
GO
CGO_ENABLED=0 go build -o finding .
mkdir disk
unshare -rm sh -ec 'mount -t tmpfs -o size=1m tmpfs disk; exec ./finding disk'
