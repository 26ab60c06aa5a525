package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autonat"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
)

// dialingBack is how a serving node answers AutoNAT, versions 1 and 2.
type dialingBack struct {
	mode string
}

func (d *dialingBack) register(flags *flag.FlagSet) {
	flags.StringVar(&d.mode, "autonat", "", "serve AutoNAT: \"default\" as go-libp2p does, or \"open\": private addresses too in version 2, and sure of its UDP")
}

// options follow those of every node, which know no black holes and no reachability.
func (d *dialingBack) options() ([]libp2p.Option, error) {
	served := []libp2p.Option{libp2p.EnableNATService(), libp2p.ForceReachabilityPublic()}
	switch d.mode {
	case "":
		return nil, nil
	case "open":
		return served, nil
	case "default":
		return append(served,
			libp2p.EnableAutoNATv2(),
			libp2p.UDPBlackHoleSuccessCounter(&swarm.BlackHoleSuccessCounter{N: 100, MinSuccesses: 5, Name: "UDP"}),
			libp2p.IPv6BlackHoleSuccessCounter(&swarm.BlackHoleSuccessCounter{N: 100, MinSuccesses: 5, Name: "IPv6"}),
		), nil
	default:
		return nil, fmt.Errorf("--autonat %q: default or open", d.mode)
	}
}

// begin serves version 2 where go-libp2p's own option would serve too little.
func (d *dialingBack) begin(node host.Host) error {
	if d.mode != "open" {
		return nil
	}
	_, err := openAutoNATv2(node)
	return err
}

// openAutoNATv2 is client and server of version 2, for private addresses too.
func openAutoNATv2(node host.Host) (*autonatv2.AutoNAT, error) {
	var o common
	o.security, o.muxer, o.keyType, o.seed = "both", "yamux", "ed25519", -1
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	dialer, err := libp2p.New(append(options,
		libp2p.NoListenAddrs,
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
	)...)
	if err != nil {
		return nil, err
	}
	both, err := autonatv2.New(dialer, autonatv2.AllowPrivateAddrs)
	if err != nil {
		return nil, err
	}
	return both, both.Start(node)
}

type askOptions struct {
	common
	version int
	listen  list
	address string
}

// told is what a server said of an address.
type told struct {
	OK           bool   `json:"ok"`
	Address      string `json:"address"`
	Reachability string `json:"reachability"`
	Refused      bool   `json:"refused"`
	Error        string `json:"error"`
}

// ask has a server dial an address of this node, and returns the exit code.
func ask(args []string) int {
	var o askOptions
	flags := flag.NewFlagSet("ask", flag.ExitOnError)
	o.register(flags, 60)
	flags.IntVar(&o.version, "autonat-version", 2, "1 or 2")
	flags.Var(&o.listen, "listen", "address to listen on and to ask about")
	flags.StringVar(&o.address, "about", "", "address to ask about instead")
	positional := parse(flags, args)
	if len(positional) != 1 || len(o.listen) == 0 {
		fail(usage)
	}
	endAfter(o.maxSeconds)
	line, err := o.run(positional[0])
	if err != nil {
		say(told{Error: err.Error()})
		return 1
	}
	say(line)
	return 0
}

func (o *askOptions) run(target string) (*told, error) {
	info, err := peer.AddrInfoFromString(target)
	if err != nil {
		return nil, err
	}
	options, err := o.common.options()
	if err != nil {
		return nil, err
	}
	node, err := libp2p.New(append(options,
		libp2p.ListenAddrStrings(o.listen...),
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
	)...)
	if err != nil {
		return nil, err
	}
	about, err := o.about(node)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.maxSeconds)*time.Second)
	defer cancel()
	if o.version == 1 {
		return askFirst(ctx, node, info, about)
	}
	return askSecond(ctx, node, info, about)
}

func (o *askOptions) about(node host.Host) (multiaddr.Multiaddr, error) {
	if o.address != "" {
		return multiaddr.NewMultiaddr(o.address)
	}
	listening, err := node.Network().InterfaceListenAddresses()
	if err != nil || len(listening) == 0 {
		return nil, errors.Join(errors.New("no address"), err)
	}
	return listening[0], nil
}

func askFirst(ctx context.Context, node host.Host, server *peer.AddrInfo, about multiaddr.Multiaddr) (*told, error) {
	if err := node.Connect(ctx, *server); err != nil {
		return nil, err
	}
	client := autonat.NewAutoNATClient(node, func() []multiaddr.Multiaddr { return []multiaddr.Multiaddr{about} }, nil)
	err := client.DialBack(ctx, server.ID)
	line := told{OK: err == nil, Address: about.String(), Refused: autonat.IsDialRefused(err)}
	if err != nil {
		line.Error = err.Error()
	}
	return &line, nil
}

func askSecond(ctx context.Context, node host.Host, server *peer.AddrInfo, about multiaddr.Multiaddr) (*told, error) {
	both, err := openAutoNATv2(node)
	if err != nil {
		return nil, err
	}
	if err := node.Connect(ctx, *server); err != nil {
		return nil, err
	}
	for {
		result, err := both.GetReachability(ctx, []autonatv2.Request{{Addr: about, SendDialData: true}})
		if errors.Is(err, autonatv2.ErrNoPeers) && ctx.Err() == nil {
			// The server has yet to identify itself.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		line := told{Address: about.String(), Refused: result.AllAddrsRefused, Reachability: result.Reachability.String()}
		line.OK = err == nil && result.Reachability == network.ReachabilityPublic
		if err != nil {
			line.Error = err.Error()
		}
		return &line, nil
	}
}
