// Command ogen uses the client that ogen makes.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"clients/ogen/client"
)

type token string

func (t token) Bearer(context.Context, client.OperationName) (client.Bearer, error) {
	return client.Bearer{Token: string(t)}, nil
}

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.NewClient(os.Getenv("URL")+"/api/v1", token(os.Getenv("TOKEN")))
	check(err)
	name := "ogen"
	created, err := c.CreateServer(ctx, &client.NewServer{Name: name})
	check(err)
	if created.State != "stopped" || created.Job.Set {
		log.Fatalf("create: %+v", created)
	}
	started, err := c.StartServer(ctx, client.StartServerParams{Name: name})
	check(err)
	if started.Error.Set {
		log.Fatalf("start: %+v", started)
	}
	for state := ""; state != "running"; time.Sleep(50 * time.Millisecond) {
		all, err := c.ListServers(ctx)
		check(err)
		for _, s := range all {
			if s.Name == name {
				state = s.State
			}
		}
	}
	_, err = c.CreateServer(ctx, &client.NewServer{Name: name})
	var problem *client.ProblemStatusCode
	if !errors.As(err, &problem) || problem.StatusCode != http.StatusConflict || problem.Response.Detail == "" {
		log.Fatalf("create again: %v", err)
	}
	begun, err := c.CreateUpload(ctx, client.CreateUploadParams{Name: "mods"})
	check(err)
	const text = "sv_cheats 0"
	sent, err := c.SendUploadPiece(ctx, client.SendUploadPieceReq{Data: strings.NewReader(text)}, client.SendUploadPieceParams{
		ID: begun.ID, Path: "left4dead2/cfg/ogen.cfg", Size: client.NewOptInt64(int64(len(text))),
	})
	check(err)
	if sent.Response.Have != int64(len(text)) {
		log.Fatalf("upload: %+v", sent)
	}
	fmt.Println("ok")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
