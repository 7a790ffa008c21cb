// Package proxy runs the configurations of docs/install.md with the real proxies,
// as Debian packages them, before a real left4me. Run it with script/test-proxies.
package proxy
