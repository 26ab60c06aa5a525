package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	libp2pwebrtc "github.com/libp2p/go-libp2p/p2p/transport/webrtc"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	webtransport "github.com/libp2p/go-libp2p/p2p/transport/webtransport"
	"github.com/multiformats/go-multiaddr"
)

type dialOptions struct {
	common
	pings       int
	interval    time.Duration
	dialVersion int
	tlsCA       string
	punch       bool
}

// dialed is the line of a dial that reached identify and all its pings.
type dialed struct {
	OK         bool          `json:"ok"`
	Peer       string        `json:"peer"`
	Agent      string        `json:"agent"`
	Protocols  []protocol.ID `json:"protocols"`
	Observed   string        `json:"observed"`
	Listening  []string      `json:"listening"`
	Transport  string        `json:"transport"`
	Security   string        `json:"security"`
	Muxer      string        `json:"muxer"`
	ConnectMs  float64       `json:"connect_ms"`
	IdentifyMs float64       `json:"identify_ms"`
	PingMs     []float64     `json:"ping_ms"`
	TotalMs    float64       `json:"total_ms"`
	Direct     string        `json:"direct,omitempty"`
}

type refused struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
}

// register adds what every dial may be told besides the common options.
func (o *dialOptions) register(flags *flag.FlagSet, maxSeconds int) {
	o.common.register(flags, maxSeconds)
	flags.IntVar(&o.dialVersion, "dial-version", 1, "version of webrtc-direct, 1 or 2")
}

// dial returns the exit code.
func dial(args []string) int {
	var o dialOptions
	flags := flag.NewFlagSet("dial", flag.ExitOnError)
	o.register(flags, 60)
	flags.IntVar(&o.pings, "pings", 1, "pings after identify, on one stream")
	flags.DurationVar(&o.interval, "ping-interval", 0, "time from one ping's answer to the next ping")
	flags.BoolVar(&o.punch, "punch", false, "of an address through a relay: wait until a hole is punched (DCUtR), and tell where to")
	flags.StringVar(&o.tlsCA, "tls-ca", "", "certificate (PEM) to trust for wss instead of the system's")
	positional := parse(flags, args)
	if len(positional) != 1 {
		fail(usage)
	}
	endAfter(o.maxSeconds)
	line, err := o.run(positional[0])
	if err != nil {
		say(refused{Error: err.Error()})
		return 1
	}
	say(line)
	return 0
}

func (o *dialOptions) run(target string) (*dialed, error) {
	info, err := peer.AddrInfoFromString(target)
	if err != nil {
		return nil, err
	}
	if len(info.Addrs) != 1 {
		return nil, errors.New("the address to dial needs a part before /p2p")
	}
	node, err := o.start(info.Addrs[0])
	if err != nil {
		return nil, err
	}
	// The process ends right after: closing the connection is enough, the host need not be taken down.
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.maxSeconds)*time.Second)
	ctx = network.WithAllowLimitedConn(ctx, "a relayed connection is what may be asked for")
	defer cancel()
	line, err := o.visit(ctx, node, info)
	if err != nil {
		return nil, err
	}
	line.TotalMs = since(started)
	_ = node.Network().ClosePeer(info.ID)
	return line, nil
}

func (o *dialOptions) start(addr multiaddr.Multiaddr) (host.Host, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	transport, err := o.transport(addr)
	if err != nil {
		return nil, err
	}
	if _, err := addr.ValueForProtocol(multiaddr.P_CIRCUIT); err == nil {
		transport = libp2p.ChainOptions(transport, libp2p.EnableRelay())
	}
	listen := libp2p.NoListenAddrs
	if o.punch {
		listen = libp2p.ChainOptions(libp2p.ListenAddrStrings(listenLike(addr)), libp2p.EnableHolePunching())
	}
	return libp2p.New(append(options, listen, transport)...)
}

// listenLike is any port for the transport that the relay is dialed over: what the relay sees of it is what a hole is punched for.
func listenLike(addr multiaddr.Multiaddr) string {
	if _, err := addr.ValueForProtocol(multiaddr.P_QUIC_V1); err == nil {
		return "/ip4/0.0.0.0/udp/0/quic-v1"
	}
	return "/ip4/0.0.0.0/tcp/0"
}

// transport is the one transport that the address needs, so that nothing else costs start-up time.
func (o *dialOptions) transport(addr multiaddr.Multiaddr) (libp2p.Option, error) {
	has := func(code int) bool {
		_, err := addr.ValueForProtocol(code)
		return err == nil
	}
	switch {
	case has(multiaddr.P_WEBTRANSPORT):
		return libp2p.Transport(webtransport.New), nil
	case has(multiaddr.P_QUIC_V1):
		return libp2p.Transport(quic.NewTransport), nil
	case has(multiaddr.P_WEBRTC_DIRECT):
		return libp2p.Transport(libp2pwebrtc.New, libp2pwebrtc.WithDialerVersion(o.dialVersion)), nil
	case has(multiaddr.P_WS), has(multiaddr.P_WSS):
		return o.websocket()
	case has(multiaddr.P_TCP):
		return libp2p.Transport(tcp.NewTCPTransport), nil
	default:
		return nil, fmt.Errorf("no transport for %s", addr)
	}
}

func (o *dialOptions) websocket() (libp2p.Option, error) {
	if o.tlsCA == "" {
		return libp2p.Transport(websocket.New), nil
	}
	pem, err := os.ReadFile(o.tlsCA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", o.tlsCA)
	}
	return libp2p.Transport(websocket.New, websocket.WithTLSClientConfig(&tls.Config{RootCAs: roots})), nil
}

func (o *dialOptions) visit(ctx context.Context, node host.Host, info *peer.AddrInfo) (*dialed, error) {
	identified, err := node.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed),
	})
	if err != nil {
		return nil, err
	}
	node.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)

	begin := time.Now()
	conn, err := node.Network().DialPeer(ctx, info.ID)
	if err != nil {
		return nil, err
	}
	line := describe(conn)
	line.ConnectMs = since(begin)

	begin = time.Now()
	if err := line.identify(ctx, identified); err != nil {
		return nil, err
	}
	line.IdentifyMs = since(begin)
	if err := line.ping(ctx, node, info.ID, o); err != nil || !o.punch {
		return line, err
	}
	line.Direct = waitForDirect(node, info.ID)
	return line, nil
}

// A punch has three rounds of up to ten seconds.
const punchTime = 35 * time.Second

// waitForDirect returns the other end of a connection without a relay, or nothing once there has been time enough for one.
func waitForDirect(node host.Host, id peer.ID) string {
	for begin := time.Now(); time.Since(begin) < punchTime; time.Sleep(20 * time.Millisecond) {
		for _, conn := range node.Network().ConnsToPeer(id) {
			if _, err := conn.RemoteMultiaddr().ValueForProtocol(multiaddr.P_CIRCUIT); err != nil {
				return conn.RemoteMultiaddr().String()
			}
		}
	}
	return ""
}

func describe(conn network.Conn) *dialed {
	state := conn.ConnState()
	return &dialed{
		OK:        true,
		Peer:      conn.RemotePeer().String(),
		Transport: state.Transport,
		Security:  string(state.Security),
		Muxer:     string(state.StreamMultiplexer),
		PingMs:    []float64{},
	}
}

func (d *dialed) identify(ctx context.Context, identified event.Subscription) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("identify: %w", ctx.Err())
	case happened := <-identified.Out():
		switch outcome := happened.(type) {
		case event.EvtPeerIdentificationFailed:
			return fmt.Errorf("identify: %w", outcome.Reason)
		case event.EvtPeerIdentificationCompleted:
			d.Agent = outcome.AgentVersion
			d.Protocols = outcome.Protocols
			d.Observed = fmt.Sprint(outcome.ObservedAddr)
			for _, addr := range outcome.ListenAddrs {
				d.Listening = append(d.Listening, addr.String())
			}
		}
		return nil
	}
}

func (d *dialed) ping(ctx context.Context, node host.Host, id peer.ID, o *dialOptions) error {
	if o.pings < 1 {
		return nil
	}
	// Without this end the service would go on pinging.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := ping.Ping(ctx, node, id)
	for number := range o.pings {
		if number > 0 {
			// The service sends the next ping once the answer to the last was taken here.
			time.Sleep(o.interval)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ping: %w", ctx.Err())
		case result, open := <-results:
			if !open {
				return errors.New("ping: ended early")
			}
			if result.Error != nil {
				return fmt.Errorf("ping: %w", result.Error)
			}
			d.PingMs = append(d.PingMs, milliseconds(result.RTT))
		}
	}
	return nil
}

func since(begin time.Time) float64 { return milliseconds(time.Since(begin)) }

// milliseconds with microsecond precision.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
