package cli

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

func TestReportPrintsOneLineAndReturnsCode(t *testing.T) {
	conflict := &left4me.Error{Kind: left4me.Conflict, Text: "port 27015\nis used by \x1b[31mbeta", Hint: "choose another or stop beta"}
	for _, tt := range []struct {
		err  error
		code int
		text string
	}{
		{nil, 0, ""},
		{output.ErrFailed, 1, ""},
		{errors.New("disk on fire"), 1, "left4me: disk on fire\n"},
		{
			fmt.Errorf("start alpha: %w", conflict), 4,
			"left4me: start alpha: port 27015 is used by \uFFFD[31mbeta; choose another or stop beta\n",
		},
		{fmt.Errorf("start alpha: %w",
			&jobError{apitype.Job{
				State: left4me.JobFailed,
				Error: &left4me.Error{Kind: left4me.Conflict, Text: "port taken", Hint: "wait"},
			}}), 1, "left4me: start alpha: port taken; wait\n"},
		{
			&jobError{apitype.Job{ID: "7", State: left4me.JobInterrupted}}, 1,
			"left4me: the job was interrupted; retry it with: left4me job retry 7\n",
		},
	} {
		var out bytes.Buffer
		if code := output.Report(&out, tt.err); code != tt.code || out.String() != tt.text {
			t.Errorf("%v: code %d, %q", tt.err, code, out.String())
		}
	}
}
