package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

const help = `Orders devices and reads usage, as a billing system would.

  go order-workflow ID INPUT.json   start an Order by Temporal, and wait for its device
  go order-api KEY PROJECT BODY.json   create a device by the API, and wait for it
  go usage MONTH                    print what each project used in a month

In the environment:
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE   for the first; 127.0.0.1:7233 and default
  MILLWRIGHT_API, MILLWRIGHT_TOKEN       for the others; https://host/metal/v1, and a key
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "order-workflow":
		return orderByWorkflow(ctx, args[1], args[2])
	case len(args) == 4 && args[0] == "order-api":
		return orderByAPI(ctx, args[1], args[2], args[3])
	case len(args) == 2 && args[0] == "usage":
		return printUsage(ctx, args[1])
	}
	return fmt.Errorf("%s", help)
}

// either is the environment's word, or the usual one.
func either(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}
