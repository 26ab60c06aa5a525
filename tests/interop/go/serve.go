package main

import (
	"crypto/tls"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	libp2pwebrtc "github.com/libp2p/go-libp2p/p2p/transport/webrtc"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"
	"github.com/multiformats/go-multiaddr"
)

type serveOptions struct {
	common
	relaying
	dialingBack
	listen, announce      list
	announceOnly          bool
	tlsCert, tlsKey       string
	webtransport, webrtcs bool
	perf                  bool
}

// ready is the line that tells the tests where to dial.
type ready struct {
	Peer  string   `json:"peer"`
	Addrs []string `json:"addrs"`
}

func serve(args []string) {
	var o serveOptions
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	o.common.register(flags, 600)
	o.relaying.register(flags)
	o.dialingBack.register(flags)
	flags.Var(&o.listen, "listen", "address to listen on, repeatable (default: each transport, loopback, any port)")
	flags.Var(&o.announce, "announce", "address to announce as well, repeatable")
	flags.BoolVar(&o.announceOnly, "announce-only", false, "announce nothing but --announce")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "certificate chain (PEM): serve wss too")
	flags.StringVar(&o.tlsKey, "tls-key", "", "its key (PEM)")
	flags.BoolVar(&o.webtransport, "webtransport", false, "serve WebTransport too")
	flags.BoolVar(&o.webrtcs, "webrtc", false, "serve webrtc-direct too")
	flags.BoolVar(&o.perf, "perf", false, "take uploads")
	if len(parse(flags, args)) > 0 {
		fail(usage)
	}
	endAfter(o.maxSeconds)
	node, err := o.start()
	if err != nil {
		fail(err.Error())
	}
	if o.perf {
		node.SetStreamHandler(perfID, servePerf)
	}
	line, err := readyLine(node)
	if err != nil {
		fail(err.Error())
	}
	if err := o.dialingBack.begin(node); err != nil {
		fail(err.Error())
	}
	relayed, err := o.relaying.begin(node)
	if err != nil {
		fail(err.Error())
	}
	line.Addrs = append(line.Addrs, relayed...)
	say(line)
	waitForEnd()
	_ = node.Close()
}

func (o *serveOptions) start() (host.Host, error) {
	options, err := o.common.options()
	if err != nil {
		return nil, err
	}
	secureWebsocket, err := o.websocketOptions()
	if err != nil {
		return nil, err
	}
	announce, err := o.announcer()
	if err != nil {
		return nil, err
	}
	options = append(options,
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(quic.NewTransport),
		libp2p.Transport(websocket.New, secureWebsocket...),
		libp2p.Transport(webtransport.New),
		libp2p.Transport(libp2pwebrtc.New),
		libp2p.ListenAddrStrings(o.listenAddrs()...),
		libp2p.AddrsFactory(announce),
	)
	dialingBack, err := o.dialingBack.options()
	if err != nil {
		return nil, err
	}
	return libp2p.New(append(append(options, o.relaying.options()...), dialingBack...)...)
}

func (o *serveOptions) listenAddrs() []string {
	addrs := o.listen
	if len(addrs) == 0 {
		addrs = list{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0/ws"}
		if o.tlsCert != "" {
			addrs = append(addrs, "/ip4/127.0.0.1/tcp/0/tls/ws")
		}
	}
	if o.webtransport {
		addrs = append(addrs, "/ip4/127.0.0.1/udp/0/quic-v1/webtransport")
	}
	if o.webrtcs {
		addrs = append(addrs, "/ip4/127.0.0.1/udp/0/webrtc-direct")
	}
	return addrs
}

func (o *serveOptions) websocketOptions() ([]any, error) {
	if o.tlsCert == "" && o.tlsKey == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, err
	}
	return []any{websocket.WithTLSConfig(&tls.Config{Certificates: []tls.Certificate{certificate}})}, nil
}

func (o *serveOptions) announcer() (func([]multiaddr.Multiaddr) []multiaddr.Multiaddr, error) {
	var announced []multiaddr.Multiaddr
	for _, text := range o.announce {
		addr, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return nil, err
		}
		announced = append(announced, addr)
	}
	return func(own []multiaddr.Multiaddr) []multiaddr.Multiaddr {
		if o.announceOnly {
			return announced
		}
		return append(own[:len(own):len(own)], announced...)
	}, nil
}

// readyLine names the addresses that the node listens on, whatever it announces.
func readyLine(node host.Host) (ready, error) {
	listening, err := node.Network().InterfaceListenAddresses()
	if err != nil {
		return ready{}, err
	}
	full, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: node.ID(), Addrs: listening})
	if err != nil {
		return ready{}, err
	}
	line := ready{Peer: node.ID().String()}
	for _, addr := range full {
		line.Addrs = append(line.Addrs, addr.String())
	}
	return line, nil
}

// waitForEnd returns when standard input closes, which happens even when the parent is killed, or on a signal.
func waitForEnd() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(closed)
	}()
	select {
	case <-signals:
	case <-closed:
	}
}
