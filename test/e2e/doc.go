// Package e2e tests properties that only a real systemd can show: the user left4me, without any
// privilege, runs game servers through left4me's units, the servers survive the failure of every
// other process, and systemd allows left4me nothing else.
//
// The script machine boots the systemd: Debian in a container, with left4me installed as from a
// package. The tests need root and have the build tag e2e:
//
//	go test -tags e2e ./test/e2e
//
// script/test-e2e compiles first, so that the time limit covers only the tests.
package e2e
