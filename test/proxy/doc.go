// Package proxy tests the configurations of docs/install.md: real proxies, as packaged by Debian,
// run in front of a real left4me. Run it with script/test-proxies.
package proxy
