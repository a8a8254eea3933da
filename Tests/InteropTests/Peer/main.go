// The other implementations that our wire formats are tested against: containerd's ttrpc and hashicorp's yamux, as
// Debian packages them. Descriptor 3 is the connection; what is found out goes to standard output, a line each.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/ttrpc"
	"github.com/gogo/protobuf/types"
	"github.com/hashicorp/yamux"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const service = "interop.Service"

func main() {
	connection, err := net.FileConn(os.NewFile(3, "connection"))
	must(err)
	switch os.Args[1] {
	case "ttrpc-server":
		serveTTRPC(connection)
	case "ttrpc-client":
		callTTRPC(connection)
	case "yamux-server":
		serveYamux(connection)
	case "yamux-client":
		openYamux(connection)
	default:
		panic("what is " + os.Args[1] + "?")
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Listens to one connection.
type oneConnection struct {
	connections chan net.Conn
	address     net.Addr
}

func (l oneConnection) Accept() (net.Conn, error) {
	connection, open := <-l.connections
	if !open {
		return nil, io.EOF
	}
	return connection, nil
}
func (l oneConnection) Close() error   { return nil }
func (l oneConnection) Addr() net.Addr { return l.address }

// Service of the tests. Fail answers with the code that the request begins with, Metadata with what it was given under
// "key", Deadline with whole seconds that are left, Wait when it is cancelled.
func serveTTRPC(connection net.Conn) {
	server, err := ttrpc.NewServer()
	must(err)
	method := func(body func(context.Context, string) (string, error)) ttrpc.Method {
		return func(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
			var request types.StringValue
			if err := unmarshal(&request); err != nil {
				return nil, err
			}
			answer, err := body(ctx, request.Value)
			return &types.StringValue{Value: answer}, err
		}
	}
	server.Register(service, map[string]ttrpc.Method{
		"Echo": method(func(_ context.Context, text string) (string, error) { return text, nil }),
		"Fail": method(func(_ context.Context, text string) (string, error) {
			code, err := strconv.Atoi(text)
			must(err)
			return "", status.Error(codes.Code(code), "as asked for: "+text)
		}),
		"Metadata": method(func(ctx context.Context, _ string) (string, error) {
			metadata, _ := ttrpc.GetMetadata(ctx)
			values, _ := metadata.Get("key")
			return strings.Join(values, ","), nil
		}),
		"Deadline": method(func(ctx context.Context, _ string) (string, error) {
			deadline, ok := ctx.Deadline()
			if !ok {
				return "none", nil
			}
			return fmt.Sprint(int(time.Until(deadline).Seconds())), nil
		}),
		"Wait": method(func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}),
	})
	connections := make(chan net.Conn, 1)
	connections <- connection
	// Until the test ends this process.
	must(server.Serve(context.Background(), oneConnection{connections, connection.LocalAddr()}))
}

func callTTRPC(connection net.Conn) {
	client := ttrpc.NewClient(connection)
	call := func(ctx context.Context, method string, text string) (string, error) {
		var answer types.StringValue
		err := client.Call(ctx, service, method, &types.StringValue{Value: text}, &answer)
		return answer.Value, err
	}
	ctx := context.Background()
	for _, count := range []int{0, 1, 1000, 4<<20 - 64} {
		text := strings.Repeat("x", count)
		answer, err := call(ctx, "Echo", text)
		must(err)
		fmt.Println("echo", count, answer == text)
	}
	for _, method := range []string{"Fail", "None"} {
		_, err := call(ctx, method, "")
		fmt.Println(method, status.Code(err), status.Convert(err).Message())
	}
	metadata := ttrpc.MD{}
	metadata.Append("key", "one", "two")
	answer, err := call(ttrpc.WithMetadata(ctx, metadata), "Echo", "with metadata")
	must(err)
	fmt.Println(answer)

	// The server's own answer, which comes before the client gives up.
	limited, cancel := context.WithTimeout(ctx, time.Second)
	_, err = call(limited, "Wait", "")
	cancel()
	fmt.Println("Wait", status.Code(err) == codes.DeadlineExceeded || err == context.DeadlineExceeded)

	var group sync.WaitGroup
	right := make(chan bool, 100)
	for number := 0; number < 100; number++ {
		group.Add(1)
		go func(text string) {
			defer group.Done()
			answer, err := call(ctx, "Echo", text)
			right <- err == nil && answer == text
		}(fmt.Sprint(number))
	}
	group.Wait()
	close(right)
	count := 0
	for isRight := range right {
		if isRight {
			count++
		}
	}
	fmt.Println("at once", count)
	must(client.Close())
}

func configuration() *yamux.Config {
	configuration := yamux.DefaultConfig()
	configuration.LogOutput = os.Stderr
	return configuration
}

// Sends back what a stream brings, once that has ended. Says the sizes, and when the peer wants no more streams.
func serveYamux(connection net.Conn) {
	session, err := yamux.Server(connection, configuration())
	must(err)
	go func() {
		for {
			stream, err := session.Open()
			if err == yamux.ErrRemoteGoAway {
				fmt.Println("gone away")
				return
			}
			must(err)
			must(stream.Close())
			time.Sleep(20 * time.Millisecond)
		}
	}()
	for {
		stream, err := session.Accept()
		if err != nil {
			return
		}
		go func() {
			all, err := io.ReadAll(stream)
			if err != nil {
				fmt.Println("stream:", err)
				return
			}
			_, err = stream.Write(all)
			must(err)
			must(stream.Close())
		}()
	}
}

// Opens streams that are to be sent back, side by side, and one that the peer breaks off.
func openYamux(connection net.Conn) {
	session, err := yamux.Client(connection, configuration())
	must(err)
	var group sync.WaitGroup
	for number := 0; number < 8; number++ {
		// One after the other: opened side by side they may arrive out of order, and then ours, which takes rising
		// numbers only, refuses them.
		stream, err := session.Open()
		must(err)
		group.Add(1)
		go func(number int) {
			defer group.Done()
			// Beyond the window, of which each end has 256 KiB.
			data := bytes.Repeat([]byte{byte(number), 1, 2}, 500_000)
			_, err = stream.Write(data)
			must(err)
			// Only then closed: a stream that has been closed here reads nothing any more.
			all, err := io.ReadAll(stream)
			must(err)
			must(stream.Close())
			if !bytes.Equal(all, data) {
				fmt.Println("stream", number, "came back with", len(all), "bytes of", len(data))
			}
		}(number)
	}
	group.Wait()
	_, err = session.Ping()
	must(err)
	fmt.Println("streams and a ping")

	stream, err := session.Open()
	must(err)
	_, err = stream.Write([]byte("reset"))
	must(err)
	_, err = stream.Read(make([]byte, 1))
	fmt.Println("reset:", err)
	must(session.GoAway())
	must(session.Close())
}
