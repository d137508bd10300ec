// A grpc-go server and client that stream a file over mutual TLS, as a Go implementation of the machine API streams a log: a chunk of
// bytes a message, encoded by protobuf, written to standard output as it comes. Rival in benchmarks/logs.ts.
// And a server of unary calls, each with one answer. Rival in benchmarks/api.ts.
//
//	grpc_rival serve FOLDER FILE             prints its port; the file is read into memory first
//	grpc_rival fetch FOLDER ADDRESS CHUNK    writes the file to standard output, in messages of CHUNK bytes
//	grpc_rival answer FOLDER SERVICE FILE…   prints its port; FILE is an encoded message and has the name of the method that it answers
//
// FOLDER holds ca.crt, server.crt, server.key, client.crt and client.key.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// As large as osctl's, so that the round trip is no matter of windows.
const windowBytes = 16 << 20

func configuration(folder, role string) *tls.Config {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, role+".crt"), filepath.Join(folder, role+".key"))
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{
		Certificates: []tls.Certificate{certificate},
		RootCAs:      pool,
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ServerName:   "localhost",
		MinVersion:   tls.VersionTLS13,
	}
}

func serve(folder, file string) {
	content, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	stream := func(_ any, stream grpc.ServerStream) error {
		var request wrapperspb.Int64Value
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		chunk := int(request.Value)
		for start := 0; start < len(content); start += chunk {
			message := &wrapperspb.BytesValue{Value: content[start:min(start+chunk, len(content))]}
			if err := stream.SendMsg(message); err != nil {
				return err
			}
		}
		return nil
	}
	listen(grpc.NewServer(
		grpc.Creds(credentials.NewTLS(configuration(folder, "server"))),
		grpc.UnknownServiceHandler(stream),
	))
}

// A method whose answer is decoded once, into a message all of whose fields are unknown: protobuf encodes it anew for each call.
func method(file string) grpc.MethodDesc {
	content, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var message emptypb.Empty
	if err := proto.Unmarshal(content, &message); err != nil {
		log.Fatal(err)
	}
	handler := func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var request emptypb.Empty
		if err := decode(&request); err != nil {
			return nil, err
		}
		return &message, nil
	}
	return grpc.MethodDesc{MethodName: filepath.Base(file), Handler: handler}
}

func answer(folder, service string, files []string) {
	description := grpc.ServiceDesc{ServiceName: service, HandlerType: (*any)(nil)}
	for _, file := range files {
		description.Methods = append(description.Methods, method(file))
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(configuration(folder, "server"))))
	server.RegisterService(&description, struct{}{})
	listen(server)
}

func listen(server *grpc.Server) {
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(server.Serve(listener))
}

func fetch(folder, address string, chunk int64) {
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(credentials.NewTLS(configuration(folder, "client"))),
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	stream, err := connection.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true}, "/rival/Logs")
	if err != nil {
		log.Fatal(err)
	}
	if err := stream.SendMsg(&wrapperspb.Int64Value{Value: chunk}); err != nil {
		log.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		log.Fatal(err)
	}
	for {
		var message wrapperspb.BytesValue
		err := stream.RecvMsg(&message)
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		if _, err := os.Stdout.Write(message.Value); err != nil {
			log.Fatal(err)
		}
	}
}

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "serve":
		serve(os.Args[2], os.Args[3])
	case len(os.Args) == 5 && os.Args[1] == "fetch":
		chunk, err := strconv.ParseInt(os.Args[4], 10, 64)
		if err != nil || chunk <= 0 {
			log.Fatal("the chunk must be a number of bytes")
		}
		fetch(os.Args[2], os.Args[3], chunk)
	case len(os.Args) >= 5 && os.Args[1] == "answer":
		answer(os.Args[2], os.Args[3], os.Args[4:])
	default:
		log.Fatal("usage: grpc_rival serve FOLDER FILE | fetch FOLDER ADDRESS CHUNK | answer FOLDER SERVICE FILE…")
	}
}
