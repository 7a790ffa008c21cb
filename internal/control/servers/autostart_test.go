package servers

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

var afterReboot = store.Decision{Reason: left4me.NewNote("autostart.after_boot")}

func TestAutostartDecidesByWantedStateAndBoot(t *testing.T) {
	const before, now = "boot-1", "boot-2"
	type row = left4me.Server
	start, reboot := store.Decision{Reason: left4me.NewNote("autostart.not_running")}, afterReboot
	leave, hold := store.Decision{}, store.Decision{Hold: left4me.HeldBoot}
	last, always, never := left4me.AutostartLast, left4me.AutostartAlways, left4me.AutostartNever
	running, stopped := left4me.WantRunning, left4me.WantStopped
	for _, c := range []struct {
		name   string
		server row
		state  left4me.ServerState
		active []left4me.JobKind
		boot   string
		want   store.Decision
	}{
		{"last, wanted, after a reboot", row{Autostart: last, Wanted: running, BootID: before}, left4me.Stopped, nil, now, reboot},
		{"last, wanted, left4me was down", row{Autostart: last, Wanted: running, BootID: now}, left4me.Stopped, nil, now, start},
		{"last, wanted, its shim was killed", row{Autostart: last, Wanted: running, BootID: now}, left4me.Failed, nil, now, start},
		{"last, wanted, unknown last boot", row{Autostart: last, Wanted: running}, left4me.Stopped, nil, now, start},
		{"last, wanted, host without a boot id", row{Autostart: last, Wanted: running, BootID: before}, left4me.Stopped, nil, "", start},
		{
			"last, stopped by a user, after a reboot",
			row{Autostart: last, Wanted: stopped, BootID: before},
			left4me.Stopped, nil, now, leave,
		},
		{
			"last, gave up, after a reboot",
			row{Autostart: last, Wanted: running, Held: left4me.HeldCrashed, BootID: before},
			left4me.Stopped, nil, now, leave,
		},
		{
			"last, gave up, left4me was down",
			row{Autostart: last, Wanted: running, Held: left4me.HeldCrashed, BootID: now},
			left4me.Failed, nil, now, leave,
		},
		{"last, restored", row{Autostart: last, Wanted: running, Held: left4me.HeldRestored}, left4me.Stopped, nil, now, leave},

		{
			"always, stopped by a user, after a reboot",
			row{Autostart: always, Wanted: stopped, BootID: before},
			left4me.Stopped, nil, now, reboot,
		},
		{
			"always, stopped by a user, the same boot",
			row{Autostart: always, Wanted: stopped, BootID: now},
			left4me.Stopped, nil, now, leave,
		},
		{"always, stopped by a user, unknown last boot", row{Autostart: always, Wanted: stopped}, left4me.Stopped, nil, now, leave},
		{
			"always, gave up, after a reboot",
			row{Autostart: always, Wanted: running, Held: left4me.HeldCrashed, BootID: before},
			left4me.Stopped, nil, now, reboot,
		},
		{"always, wanted, the same boot", row{Autostart: always, Wanted: running, BootID: now}, left4me.Stopped, nil, now, start},

		{"never, wanted, after a reboot", row{Autostart: never, Wanted: running, BootID: before}, left4me.Stopped, nil, now, hold},
		{
			"never, held since the reboot, left4me was down",
			row{Autostart: never, Wanted: running, Held: left4me.HeldBoot, BootID: now},
			left4me.Stopped, nil, now, leave,
		},
		{"never, wanted, left4me was down", row{Autostart: never, Wanted: running, BootID: now}, left4me.Stopped, nil, now, start},
		{
			"never, stopped by a user, after a reboot",
			row{Autostart: never, Wanted: stopped, BootID: before},
			left4me.Stopped, nil, now, leave,
		},

		{"up, after a reboot", row{Autostart: always, Wanted: running, BootID: before}, left4me.Running, nil, now, leave},
		{"starting", row{Autostart: last, Wanted: running, BootID: before}, left4me.Starting, nil, now, leave},
		{"up though not wanted", row{Autostart: last, Wanted: stopped, BootID: before}, left4me.Running, nil, now, leave},
		{
			"a reboot during its restart",
			row{Autostart: last, Wanted: running, BootID: before},
			left4me.Stopped,
			[]left4me.JobKind{left4me.RestartServer},
			now, leave,
		},
		{
			"a reboot during its stop",
			row{Autostart: always, Wanted: stopped, BootID: before},
			left4me.Stopped,
			[]left4me.JobKind{left4me.StopServer},
			now, leave,
		},
		{
			"a reboot during a job that doesn't start it",
			row{Autostart: last, Wanted: running, BootID: before},
			left4me.Stopped,
			[]left4me.JobKind{left4me.DiscardUpper},
			now, reboot,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, autostart(c.server, c.state, c.active, c.boot)); d != "" {
				t.Error(d)
			}
		})
	}
}
