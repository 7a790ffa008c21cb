package main

import (
	"os"
	"path/filepath"
	"strings"
)

// logIn implements login. A remembered account needs no password.
func (s *session) logIn(user, password, code string) int {
	if s.at < 0 {
		s.triggerFault()
	}
	anonymous := user == "" || user == "anonymous"
	if anonymous {
		s.out.printf("Connecting anonymously to Steam Public...")
	} else {
		s.out.printf("Logging in user '%s' [U:1:0] to Steam Public...", user)
	}
	if why := s.refusal(anonymous, user, password, code); why != "" {
		s.out.line("%s", why)
		return exitLogin
	}
	s.out.line("OK")
	s.out.line("Waiting for client config...OK")
	s.out.line("Waiting for user info...OK")
	s.loggedIn, s.owns = true, !anonymous
	if !anonymous {
		_ = writeFile(s.logins(), []byte("\"InstallConfigStore\"\n{\n\t\"Accounts\"\n\t{\n\t\t\""+user+"\"\t\t{ }\n\t}\n}\n"))
	}
	if !exists(s.cache()) {
		_ = writeFile(s.cache(), []byte("(simulated)"))
	}
	return exitOK
}

func (s *session) logins() string { return filepath.Join(s.home, "config", "config.vdf") }

// refusal returns what a failed login prints after the dots, or "".
func (s *session) refusal(anonymous bool, user, password, code string) string {
	switch {
	case s.hasFault("no-connection"):
		return "FAILED (No Connection)"
	case s.hasFault("rate-limit"):
		return "FAILED (Rate Limit Exceeded)"
	case anonymous:
		return ""
	}
	b, _ := os.ReadFile(s.logins())
	remembered := strings.Contains(string(b), "\""+user+"\"")
	switch {
	case password == "" && !remembered:
		return "\r\nCached credentials not found.\r\nFAILED (Invalid Password)"
	case user != s.user || password != "" && password != s.pass:
		return "FAILED (Invalid Password)"
	case password != "" && s.code != "" && code == "":
		return "\r\nThis computer has not been authenticated for your account using Steam Guard.\r\n" +
			"FAILED login with result code Account Logon Denied"
	case password != "" && s.code != "" && code != s.code:
		return "FAILED login with result code Two-factor code mismatch"
	}
	return ""
}
