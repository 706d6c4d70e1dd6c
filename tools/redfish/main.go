// Command redfish serves a Redfish service that Millwright's authors did not
// write: the mock server of ironcore's metal-operator, with DMTF's mockup of a
// rack server (DSP2043, public-rackmount1). Tests hold our driver against it.
//
// It listens where its argument says, without TLS, until it is killed. It is a
// module of its own so that nothing of Kubernetes is in ours.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"github.com/ironcore-dev/metal-operator/bmc/mock/server"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: redfish HOST:PORT")
		os.Exit(2)
	}
	if err := server.NewMockServer(logr.Discard(), os.Args[1]).Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
