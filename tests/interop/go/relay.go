package main

import (
	"context"
	"errors"
	"flag"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
)

// relaying is what a serving node does for peers behind NATs, and what it has done for itself.
type relaying struct {
	service bool
	bytes   int64
	time    time.Duration
	via     string
	voucher bool
	punch   bool
}

func (r *relaying) register(flags *flag.FlagSet) {
	flags.BoolVar(&r.service, "relay", false, "be a relay (circuit v2)")
	flags.Int64Var(&r.bytes, "relay-bytes", 1<<17, "what a connection through the relay may carry each way")
	flags.DurationVar(&r.time, "relay-time", 2*time.Minute, "how long a connection through the relay may last")
	flags.StringVar(&r.via, "via", "", "keep a slot at this relay and print the address through it")
	flags.BoolVar(&r.voucher, "voucher", false, "fail where that relay signs no voucher")
	flags.BoolVar(&r.punch, "punch", false, "punch holes (DCUtR)")
}

// options follow those of every node, which switch relays off.
func (r *relaying) options() []libp2p.Option {
	var options []libp2p.Option
	if r.via != "" {
		options = append(options, libp2p.EnableRelay())
	}
	if r.punch {
		options = append(options, libp2p.EnableHolePunching())
	}
	return options
}

// begin returns the addresses that lead through relays.
func (r *relaying) begin(node host.Host) ([]string, error) {
	if r.service {
		limit := &relay.RelayLimit{Duration: r.time, Data: r.bytes}
		if _, err := relay.New(node, relay.WithLimit(limit)); err != nil {
			return nil, err
		}
	}
	if r.via == "" {
		return nil, nil
	}
	info, err := peer.AddrInfoFromString(r.via)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := node.Connect(ctx, *info); err != nil {
		return nil, err
	}
	// A voucher that it cannot verify is an error.
	slot, err := client.Reserve(ctx, node, *info)
	if err != nil {
		return nil, err
	}
	if r.voucher && slot.Voucher == nil {
		return nil, errors.New("no voucher")
	}
	if r.punch {
		waitForPunching(ctx, node)
	}
	return []string{r.via + "/p2p-circuit/p2p/" + node.ID().String()}, nil
}

// waitForPunching returns once the node begins punches: before it has seen a public address of its own it lets whoever comes
// through the relay go without one.
func waitForPunching(ctx context.Context, node host.Host) {
	for !slices.Contains(node.Mux().Protocols(), holepunch.Protocol) && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	// The protocol is served a moment before the node listens for connections.
	time.Sleep(20 * time.Millisecond)
}
