// Package e2e proves on a real systemd what only a real systemd can prove: that
// the user left4me, without any privilege, runs game servers through our units,
// that these outlive everything that dies around them, and that nothing else is
// allowed.
//
// machine boots the systemd: Debian in a container, with left4me installed as a
// package would. The tests need root and have the build tag e2e:
//
//	go test -tags e2e ./test/e2e
//
// script/test-e2e compiles first, so that the time limit counts the tests alone.
package e2e
