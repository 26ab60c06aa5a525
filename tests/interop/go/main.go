// Command go-peer is a go-libp2p node for interop tests: it serves, or it dials one address.
//
// It is a foreign implementation in the hands of the tests: everything it says is one JSON line on
// standard output, and it always ends on its own.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

const usage = `usage:
  go-peer serve [--listen MULTIADDR]… [--announce MULTIADDR]… [--announce-only] [--security noise|tls|both]
                [--muxer yamux] [--seed N] [--key-type ed25519|rsa|secp256k1|ecdsa] [--tls-cert F --tls-key F]
                [--webtransport] [--webrtc] [--perf] [--relay [--relay-bytes N] [--relay-time T]]
                [--via MULTIADDR/p2p/RELAY] [--punch] [--autonat default|open] [--max-seconds N]
  go-peer dial MULTIADDR/p2p/PEER [--pings N] [--ping-interval 1s] [--dial-version 1|2] [--security noise|tls|both]
                [--seed N] [--key-type …] [--tls-ca F] [--punch] [--max-seconds N]
  go-peer upload MULTIADDR/p2p/PEER BYTES [--max-seconds N]
  go-peer ask MULTIADDR/p2p/PEER --listen MULTIADDR [--about MULTIADDR] [--autonat-version 1|2] [--max-seconds N]
`

// started is as close to the start of the process as the program itself can see.
var started = time.Now()

func main() {
	if len(os.Args) < 2 {
		fail(usage)
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2:])
	case "dial":
		os.Exit(dial(os.Args[2:]))
	case "upload":
		os.Exit(upload(os.Args[2:]))
	case "ask":
		os.Exit(ask(os.Args[2:]))
	default:
		fail(usage)
	}
}

// parse reads flags that may stand before or after the positional arguments, which it returns.
func parse(flags *flag.FlagSet, args []string) []string {
	var positional []string
	for {
		// ExitOnError: a bad flag never returns.
		_ = flags.Parse(args)
		args = flags.Args()
		if len(args) == 0 {
			return positional
		}
		positional = append(positional, args[0])
		args = args[1:]
	}
}

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string { return fmt.Sprint(*l) }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// say prints one JSON line.
func say(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}

// endAfter bounds the life of the process, whatever else hangs.
func endAfter(seconds int) {
	time.AfterFunc(time.Duration(seconds)*time.Second, func() {
		fail(fmt.Sprintf("ended after %d seconds (--max-seconds)", seconds))
	})
}
