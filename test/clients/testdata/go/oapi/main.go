// Command oapi uses the client that oapi-codegen makes.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"clients/oapi/client"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	token := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
		return nil
	}
	c, err := client.NewClientWithResponses(os.Getenv("URL")+"/api/v1", client.WithRequestEditorFn(token))
	check(err)
	name := "oapi"
	created, err := c.CreateServerWithResponse(ctx, client.NewServer{Name: name})
	check(err)
	if created.JSON201 == nil || created.JSON201.State != "stopped" || created.JSON201.Job != nil {
		log.Fatalf("create: %s", created.Body)
	}
	started, err := c.StartServerWithResponse(ctx, name)
	check(err)
	if started.JSON202 == nil || started.JSON202.Error != nil {
		log.Fatalf("start: %s", started.Body)
	}
	for state := ""; state != "running"; time.Sleep(50 * time.Millisecond) {
		all, err := c.ListServersWithResponse(ctx)
		check(err)
		for _, s := range *all.JSON200 {
			if s.Name == name {
				state = s.State
			}
		}
	}
	wrong, err := c.CreateServerWithResponse(ctx, client.NewServer{Name: name})
	check(err)
	if p := wrong.ApplicationproblemJSONDefault; p == nil || p.Status != http.StatusConflict || p.Detail == "" {
		log.Fatalf("create again: %s", wrong.Body)
	}
	begun, err := c.CreateUploadWithResponse(ctx, "mods")
	check(err)
	const text = "sv_cheats 0"
	size := int64(len(text))
	sent, err := c.SendUploadPieceWithBodyWithResponse(ctx, begun.JSON201.Id,
		&client.SendUploadPieceParams{Path: "left4dead2/cfg/oapi.cfg", Size: &size}, "application/octet-stream", strings.NewReader(text))
	check(err)
	if sent.JSON200 == nil || sent.JSON200.Have != size {
		log.Fatalf("upload: %s", sent.Body)
	}
	fmt.Println("ok")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
