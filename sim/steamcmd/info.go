package main

import "strconv"

const gameApp = "222860"

// fetchInfo implements app_info_update.
func (s *session) fetchInfo() int {
	switch {
	case !s.loggedIn:
		s.out.line("ERROR! Failed to request AppInfo update, not online or not logged in to Steam.")
		return exitInfo
	case s.hasFault("appinfo"):
		s.out.line("ERROR! Timed out waiting for AppInfo update.")
		return exitInfo
	}
	s.out.line("OK")
	return exitOK
}

// printInfo implements app_info_print, with other lines around the information.
func (s *session) printInfo(app string) int {
	if app != gameApp || s.info == "empty" {
		s.out.line("No app info for AppID %s found, requesting...", app)
		return exitOK
	}
	s.out.line("AppID : %s, change number : 31415926/0, last change : Tue Nov 24 21:03:11 2026", app)
	for _, l := range []string{
		`"` + app + `"`, `{`, `	"common"`, `	{`, `		"name"		"Left 4 Dead 2 Dedicated Server"`,
		`		"type"		"Tool"`, `		"gameid"		"` + app + `"`, `	}`,
		`	"extended"`, `	{`, `		"gamedir"		"left4dead2 { not a block"`, `	}`,
	} {
		s.out.line("%s", l)
	}
	if s.info != "hidden" {
		for _, l := range []string{
			`	"depots"`, `	{`, `		"222861"`, `		{`, `			"systemdefined"		"1"`, `		}`,
			`		"branches"`, `		{`,
			`			"public"`, `			{`, `				"buildid"		"` + strconv.Itoa(s.buildID()) + `"`,
			`				"timeupdated"		"1764000000"`, `			}`,
			`			"beta"`, `			{`, `				"buildid"		"` + strconv.Itoa(s.buildID()+500) + `"`,
			`				"pwdrequired"		"1"`, `			}`,
			`		}`, `	}`,
		} {
			s.out.line("%s", l)
		}
	}
	s.out.line("}")
	return exitOK
}
