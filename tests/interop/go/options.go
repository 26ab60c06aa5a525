package main

import (
	"flag"
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

// common holds what both subcommands take.
type common struct {
	security   string
	muxer      string
	keyType    string
	seed       int64
	maxSeconds int
}

func (c *common) register(flags *flag.FlagSet, maxSeconds int) {
	flags.StringVar(&c.security, "security", "both", "noise, tls or both")
	flags.StringVar(&c.muxer, "muxer", "yamux", "yamux")
	flags.StringVar(&c.keyType, "key-type", "ed25519", "ed25519, rsa, secp256k1 or ecdsa")
	flags.Int64Var(&c.seed, "seed", -1, "the same number makes the same key; negative: a random key")
	flags.IntVar(&c.maxSeconds, "max-seconds", maxSeconds, "end after this many seconds at the latest")
}

// options is a bare host: no relay, no NAT service, no metrics, and no limits that could disturb a test.
func (c *common) options() ([]libp2p.Option, error) {
	key, err := makeKey(c.keyType, c.seed)
	if err != nil {
		return nil, err
	}
	if c.muxer != "yamux" {
		return nil, fmt.Errorf("--muxer %q: only yamux is known", c.muxer)
	}
	options := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.UserAgent("p2p-probe-interop-go"),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.ForceReachabilityPrivate(), // keeps the AutoNAT client from dialing anyone
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.ConnectionManager(&connmgr.NullConnMgr{}),
		libp2p.DialRanker(swarm.NoDelayDialRanker),
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
	}
	security, err := c.securityOptions()
	return append(options, security...), err
}

// securityOptions keeps go-libp2p's own order of preference: TLS before Noise.
func (c *common) securityOptions() ([]libp2p.Option, error) {
	useTLS := libp2p.Security(tls.ID, tls.New)
	useNoise := libp2p.Security(noise.ID, noise.New)
	switch c.security {
	case "tls":
		return []libp2p.Option{useTLS}, nil
	case "noise":
		return []libp2p.Option{useNoise}, nil
	case "both":
		return []libp2p.Option{useTLS, useNoise}, nil
	default:
		return nil, fmt.Errorf("--security %q: noise, tls or both", c.security)
	}
}
