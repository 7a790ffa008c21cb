package bus

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// The streams.
const (
	streamJobs   = "JOBS"
	streamEvents = "EVENTS"
)

// AnyHost stands for every host in a subject that is listened on.
const AnyHost left4me.Name = "*"

// Command is the subject of a request to a host: l4m.<host>.cmd.<verb>.
func Command(host left4me.Name, verb string) string { return "l4m." + string(host) + ".cmd." + verb }

// Ask is the subject of a request from a host: l4m.<host>.ask.<verb>.
func Ask(host left4me.Name, verb string) string { return "l4m." + string(host) + ".ask." + verb }

// Broadcast is the subject of what is true now and worth nothing later:
// l4m.<host>.live.<kind>.
func Broadcast(host left4me.Name, kind string) string { return "l4m." + string(host) + ".live." + kind }

// Event is the subject of what happened on a host and is kept:
// l4m.<host>.evt.<kind>.
func Event(host left4me.Name, kind string) string { return "l4m." + string(host) + ".evt." + kind }

// JobSubject is where work for a host waits: l4m.<host>.job.<kind>.
func JobSubject(host left4me.Name, kind left4me.JobKind) string {
	return "l4m." + string(host) + ".job." + string(kind)
}

// hostOf is the host token of a subject.
func hostOf(subject string) string {
	parts := strings.SplitN(subject, ".", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

// HostOf is the host that a subject belongs to. A subject that holds none gives
// the empty name.
func HostOf(subject string) left4me.Name {
	n, err := left4me.ParseName(hostOf(subject))
	if err != nil {
		return ""
	}
	return n
}

// VerbOf is the last part of a subject: the verb or the kind.
func VerbOf(subject string) string {
	return subject[strings.LastIndexByte(subject, '.')+1:]
}
