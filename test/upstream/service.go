// A service of --connect, made of fluxd's own packages: what it calls of the daemon is said on standard input, one JSON a line, and
// what it got goes to standard output in the same way.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	v10 "github.com/fluxcd/flux/pkg/api/v10"
	v9 "github.com/fluxcd/flux/pkg/api/v9"
	fluxerr "github.com/fluxcd/flux/pkg/errors"
	"github.com/fluxcd/flux/pkg/http/websocket"
	"github.com/fluxcd/flux/pkg/job"
	"github.com/fluxcd/flux/pkg/remote/rpc"
	"github.com/fluxcd/flux/pkg/update"
)

type order struct {
	Call string
	Arg  json.RawMessage
}

var out sync.Mutex

func say(value map[string]interface{}) {
	out.Lock()
	defer out.Unlock()
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	connections := make(chan websocket.Websocket, 8)
	gone := false
	// between "drop" and "accept", so that nobody calls again before the loss was seen
	var refuses atomic.Bool
	handler := func(w http.ResponseWriter, r *http.Request) {
		header := map[string]interface{}{"authorization": r.Header.Get("Authorization"), "path": r.URL.Path, "agent": r.UserAgent()}
		if r.URL.Path == "/v6/events" {
			return
		}
		if gone {
			w.WriteHeader(http.StatusGone)
			return
		}
		if refuses.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		ws, err := websocket.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		say(map[string]interface{}{"connected": header})
		connections <- ws
	}
	go http.Serve(listener, http.HandlerFunc(handler))
	say(map[string]interface{}{"url": "http://" + listener.Addr().String()})

	var client *rpc.RPCClientV11
	var current websocket.Websocket
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		switch o.Call {
		case "accept":
			refuses.Store(false)
			current = <-connections
			client = rpc.NewClientV11(current)
			say(map[string]interface{}{"result": "accepted"})
		case "drop":
			refuses.Store(true)
			say(map[string]interface{}{"result": fmt.Sprint(current.Close())})
		case "gone":
			gone = true
			say(map[string]interface{}{"result": fmt.Sprint(current.Close())})
		default:
			result, err := call(client, o)
			answer := map[string]interface{}{"result": result}
			// fluxd's client gives a nil of this type for what went well
			app, isApp := err.(*fluxerr.Error)
			if isApp && app != nil {
				answer["type"], answer["help"] = app.Type, app.Help
			}
			if err != nil && (!isApp || app != nil) {
				answer["error"] = err.Error()
			}
			say(answer)
		}
	}
}

func call(client *rpc.RPCClientV11, o order) (interface{}, error) {
	ctx := context.Background()
	switch o.Call {
	case "Ping":
		return nil, client.Ping(ctx)
	case "Version":
		return client.Version(ctx)
	case "Export":
		text, err := client.Export(ctx)
		return string(text), err
	case "ListServices":
		var namespace string
		read(o.Arg, &namespace)
		return client.ListServices(ctx, namespace)
	case "ListImagesWithOptions":
		var options v10.ListImagesOptions
		read(o.Arg, &options)
		return client.ListImagesWithOptions(ctx, options)
	case "UpdateManifests":
		var spec update.Spec
		read(o.Arg, &spec)
		return client.UpdateManifests(ctx, spec)
	case "NotifyChange":
		var change v9.Change
		read(o.Arg, &change)
		return nil, client.NotifyChange(ctx, change)
	case "JobStatus":
		var id job.ID
		read(o.Arg, &id)
		return client.JobStatus(ctx, id)
	case "SyncStatus":
		var ref string
		read(o.Arg, &ref)
		return client.SyncStatus(ctx, ref)
	case "GitRepoConfig":
		var regenerate bool
		read(o.Arg, &regenerate)
		return client.GitRepoConfig(ctx, regenerate)
	}
	panic("unknown call " + o.Call)
}

func read(from json.RawMessage, to interface{}) {
	if err := json.Unmarshal(from, to); err != nil {
		panic(err)
	}
}
