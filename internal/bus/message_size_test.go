package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Types of request and answer for each verb of Command and Ask.
var requests = map[string]struct{ in, out any }{
	bus.VerbPing:       {bus.Empty{}, bus.Empty{}},
	bus.VerbWork:       {bus.JobMessage{}, bus.Empty{}},
	bus.VerbStop:       {bus.JobMessage{}, bus.Empty{}},
	bus.VerbStatus:     {bus.Empty{}, []left4me.Status{}},
	bus.VerbPort:       {bus.PortRequest{}, bus.Empty{}},
	bus.VerbCancel:     {bus.CancelRequest{}, bus.Empty{}},
	bus.VerbRemoveKept: {bus.KeptRequest{}, bus.KeptAnswer{}},
	bus.VerbConsole:    {bus.ConsoleRequest{}, bus.ConsoleChunk{}},
	bus.VerbCommand:    {bus.CommandRequest{}, bus.CommandAnswer{}},
	bus.VerbClaim:      {bus.ClaimRequest{}, bus.ClaimAnswer{}},
	bus.VerbReport:     {bus.JobReport{}, bus.Empty{}},
	bus.VerbSnapshot:   {bus.SnapshotRequest{}, bus.SnapshotAnswer{}},
	bus.VerbBackups:    {bus.Empty{}, []left4me.Backup{}},
	bus.VerbDropBackup: {bus.BackupRequest{}, bus.Empty{}},
	bus.VerbOpenBackup: {bus.BackupRequest{}, bus.OpenBackupAnswer{}},
	bus.VerbGame:       {bus.Empty{}, left4me.Game{}},
	bus.VerbPin:        {bus.PinRequest{}, left4me.Game{}},
	bus.VerbDoctor:     {bus.Empty{}, []left4me.Check{}},
	bus.VerbReach:      {bus.ReachRequest{}, []left4me.Check{}},
	bus.VerbCurrents:   {bus.Empty{}, bus.Currents{}},
	bus.VerbContents:   {bus.Empty{}, []left4me.Content{}},
	bus.VerbContent:    {bus.OverlayRequest{}, left4me.Content{}},
	bus.VerbTree:       {bus.TreeRequest{}, left4me.Page[left4me.TreeFile]{}},
	bus.VerbDiff:       {bus.DiffRequest{}, left4me.Page[left4me.FileChange]{}},
	bus.VerbFile:       {bus.FileRequest{}, bus.FileAnswer{}},
	bus.VerbLabel:      {bus.LabelRequest{}, left4me.Content{}},
	bus.VerbUse:        {bus.OverlayRequest{}, left4me.Content{}},
	bus.VerbDropRev:    {bus.OverlayRequest{}, left4me.Content{}},
	bus.VerbPlan:       {bus.PlanRequest{}, left4me.Plan{}},
	bus.VerbWorkshop:   {left4me.Workshop{}, []left4me.WorkshopState{}},
	bus.VerbCampaigns:  {bus.StackRequest{}, []left4me.Campaign{}},
	bus.VerbClashes:    {bus.StackRequest{}, []left4me.Warning{}},
	bus.VerbStack:      {bus.StackRequest{}, left4me.Page[left4me.TreeFile]{}},
	bus.VerbStackDiff:  {bus.StackDiffRequest{}, left4me.Page[left4me.FileChange]{}},
	bus.VerbStackFile:  {bus.StackRequest{}, bus.FileAnswer{}},
	bus.VerbUpper:      {bus.UpperRequest{}, left4me.Page[left4me.TreeFile]{}},
	bus.VerbConfigDiff: {left4me.Spec{}, bus.ConfigDiff{}},
}

// Types of message for each kind of Broadcast and Event.
var broadcasts = map[string]any{
	bus.KindStatus:  left4me.Status{},
	bus.KindJob:     bus.JobReport{},
	bus.KindHello:   bus.Hello{},
	bus.KindContent: bus.Currents{},
	bus.KindCrash:   bus.Crash{},
}

// A message that is missing in the tables above would not be tested.
func TestTablesListEveryMessage(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	visit := func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		name := v.Names[0].Name
		lit, ok := v.Values[0].(*ast.BasicLit)
		if !ok || !strings.HasPrefix(name, "Verb") && !strings.HasPrefix(name, "Kind") {
			return true
		}
		found++
		value, _ := strconv.Unquote(lit.Value)
		_, requested := requests[value]
		if _, broadcast := broadcasts[value]; !broadcast && !requested {
			t.Errorf("%s (%q) is not in the tables", name, value)
		}
		return true
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, visit)
	}
	if found != len(requests)+len(broadcasts) {
		t.Errorf("%d verbs and kinds are declared, %d are in the tables", found, len(requests)+len(broadcasts))
	}
}

// worst is the text that grows most in JSON: six bytes for a control character, for an invalid
// UTF-8 byte, and for < unless HTML escaping is off.
var worst = strings.Repeat("<\x01\xff", 4<<10/3)

// fill sets all fields of a message to the longest and worst values. Lists are long at the top
// level and short below.
func fill(v reflect.Value, items int) {
	switch v.Interface().(type) {
	case left4me.Name:
		v.SetString("overlay-or-server")
		return
	case left4me.OverlayRef:
		v.Set(reflect.ValueOf(left4me.OverlayRef{Name: "maps", Revision: 3}))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Now().UTC()))
		return
	case json.RawMessage:
		text, err := bus.Marshal(strings.Repeat(worst, items))
		if err != nil {
			panic(err)
		}
		v.SetBytes(text)
		return
	case []byte:
		v.SetBytes(make([]byte, smallPayload/2))
		return
	case left4me.Settings: // settings are validated on input
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(worst)
	case reflect.Int, reflect.Int64:
		v.SetInt(1<<62 + 1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && v.Type().Field(i).Name != "V" && v.Type().Field(i).Tag.Get("json") != "-" {
				fill(f, items)
				if v.Type().Field(i).Name == "Path" {
					f.SetString(worst[:255]) // limited by the file system
				}
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), items)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), items, items))
		for i := range items {
			fill(v.Index(i), min(items, 2))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range items {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, 1)
			key.SetString(key.String()[:8] + strconv.Itoa(i))
			fill(value, min(items, 2))
			v.SetMapIndex(key, value)
		}
	}
}

// smallPayload makes messages too long sooner, which keeps the test fast.
const smallPayload = 512 << 10

// longest returns a message of the given type with the longest and worst values. It exceeds the
// limit if any part of the type is unbounded.
func longest(t *testing.T, shape any) any {
	t.Helper()
	make := func(items int) (any, int) {
		v := reflect.New(reflect.TypeOf(shape)).Elem()
		fill(v, items)
		data, err := bus.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		return v.Interface(), len(data)
	}
	one, size := make(1)
	if size > smallPayload {
		return one
	}
	v, _ := make(2 + smallPayload*3/2/size)
	return v
}

// Every message arrives, possibly shortened, or is refused at once with a reason. None may look
// like a host that doesn't answer.
func TestOversizedMessagesArriveOrAreRefused(t *testing.T) {
	b, err := bus.OpenSmall(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler), smallPayload)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	// Messages without text from outside may be too long, provided that the error reports it.
	mayBeRefused := []string{bus.VerbGame, bus.VerbPin, bus.VerbCurrents, bus.KindContent}
	refused := func(err error) bool {
		e, ok := left4me.Public(err)
		return ok && strings.Contains(e.Text, "is too long: ") && e.Hint != ""
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answers := map[reflect.Type]any{}
	for _, shape := range requests {
		for _, v := range []any{shape.in, shape.out} {
			if typ := reflect.TypeOf(v); answers[typ] == nil {
				answers[typ] = longest(t, v)
			}
		}
	}
	if err := b.Answer(ctx, bus.Command("local", "*"), func(_ context.Context, subject string, _ []byte) (any, error) {
		return answers[reflect.TypeOf(requests[bus.VerbOf(subject)].out)], nil
	}); err != nil {
		t.Fatal(err)
	}
	done := map[reflect.Type]bool{}
	for verb, shape := range requests {
		if typ := reflect.TypeOf(shape.out); !done[typ] {
			done[typ] = true
			err := b.Request(ctx, bus.Command("local", verb), bus.Empty{}, reflect.New(typ).Interface())
			if err != nil && !(slices.Contains(mayBeRefused, verb) && refused(err)) {
				t.Errorf("answer to %s: %v", verb, err)
			}
		}
		if typ := reflect.TypeOf(shape.in); !done[typ] {
			done[typ] = true
			err := b.Request(ctx, bus.Command("local", verb), answers[typ], nil)
			if err != nil && (verb == bus.VerbReport || !refused(err)) {
				t.Errorf("request %s: %v", verb, err)
			}
		}
	}
	got := make(chan string, 10)
	if err := b.Listen(ctx, "l4m.local.live.>", func(subject string, _ []byte) { got <- bus.VerbOf(subject) }); err != nil {
		t.Fatal(err)
	}
	if err := b.Events(ctx, "reader", bus.KindCrash, func(subject string, _ []byte) error {
		got <- bus.VerbOf(subject)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for kind, shape := range broadcasts {
		var err error
		if kind == bus.KindCrash {
			err = b.Record(ctx, "local", kind, "1", longest(t, shape))
		} else {
			err = b.Publish(bus.Broadcast("local", kind), longest(t, shape))
		}
		switch {
		case err != nil && slices.Contains(mayBeRefused, kind) && refused(err):
		case err != nil:
			t.Errorf("publish %s: %v", kind, err)
		default:
			if k := receive(t, got); k != kind {
				t.Errorf("got %s, want %s", k, kind)
			}
		}
	}
}

func TestOversizedJobIsRefusedWithReason(t *testing.T) {
	b := open(t, t.TempDir())
	m := message("1")
	m.Spec, _ = bus.Marshal(strings.Repeat("<", 5<<20))
	for _, err := range []error{b.Fits(m), b.Enqueue(t.Context(), "local", m)} {
		if e, ok := left4me.Public(err); !ok || !errors.Is(err, left4me.Invalid) ||
			e.Text != "the data of the job is too long: 5.2 MB, and the limit is 4.2 MB" {
			t.Errorf("got error %v", err)
		}
	}
	m.Spec, _ = bus.Marshal(strings.Repeat("<", 4<<20-10<<10))
	if err := b.Enqueue(t.Context(), "local", m); err != nil {
		t.Errorf("a job that fits: %v", err)
	}
}

func TestErrorWithLongTextArrives(t *testing.T) {
	b := open(t, t.TempDir())
	err := b.Answer(t.Context(), bus.Command("local", "*"), func(context.Context, string, []byte) (any, error) {
		return nil, &left4me.Error{Kind: left4me.Conflict, Text: strings.Repeat(worst, 1000), Hint: "choose"}
	})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Request(t.Context(), bus.Command("local", "x"), bus.Empty{}, nil)
	if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Conflict || e.Hint != "choose" || !strings.HasSuffix(e.Text, " bytes cut)") {
		t.Errorf("got error %.300v", err)
	}
}
