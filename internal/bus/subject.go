package bus

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// Names of the JetStream streams.
const (
	streamJobs   = "JOBS"
	streamEvents = "EVENTS"
)

// AnyHost matches every host in a subject for Listen or Answer.
const AnyHost left4me.Name = "*"

// Command returns the subject of a request to a host: l4m.<host>.cmd.<verb>.
func Command(host left4me.Name, verb string) string { return "l4m." + string(host) + ".cmd." + verb }

// Ask returns the subject of a request from a host: l4m.<host>.ask.<verb>.
func Ask(host left4me.Name, verb string) string { return "l4m." + string(host) + ".ask." + verb }

// Broadcast returns the subject of current state, which is not stored: l4m.<host>.live.<kind>.
func Broadcast(host left4me.Name, kind string) string { return "l4m." + string(host) + ".live." + kind }

// Event returns the subject of a stored event of a host: l4m.<host>.evt.<kind>.
func Event(host left4me.Name, kind string) string { return "l4m." + string(host) + ".evt." + kind }

// JobSubject returns the subject of queued jobs for a host: l4m.<host>.job.<kind>.
func JobSubject(host left4me.Name, kind left4me.JobKind) string {
	return "l4m." + string(host) + ".job." + string(kind)
}

// hostOf returns the host token of a subject.
func hostOf(subject string) string {
	parts := strings.SplitN(subject, ".", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

// HostOf returns the host that a subject belongs to, or the empty name.
func HostOf(subject string) left4me.Name {
	n, err := left4me.ParseName(hostOf(subject))
	if err != nil {
		return ""
	}
	return n
}

// VerbOf returns the last token of a subject: the verb or the kind.
func VerbOf(subject string) string {
	return subject[strings.LastIndexByte(subject, '.')+1:]
}
