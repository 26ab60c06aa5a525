package main

import (
	"context"
	"encoding/binary"
	"flag"
	"io"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// perfID is that of libp2p's perf protocol (libp2p specs, perf/perf.md): the dialer says how much it wants, sends what it
// likes, and gets what it wanted once it has finished.
const perfID protocol.ID = "/perf/1.0.0"

// chunk is what is written at once.
const chunk = 64 * 1024

// uploaded is the line of an upload that arrived as a whole.
type uploaded struct {
	OK      bool    `json:"ok"`
	Seconds float64 `json:"seconds"`
}

func servePerf(stream network.Stream) {
	defer stream.Close()
	var wanted [8]byte
	if _, err := io.ReadFull(stream, wanted[:]); err != nil {
		_ = stream.Reset()
		return
	}
	if _, err := io.CopyBuffer(io.Discard, stream, make([]byte, chunk)); err != nil {
		_ = stream.Reset()
		return
	}
	_, _ = stream.Write(make([]byte, binary.BigEndian.Uint64(wanted[:])))
}

// upload sends so many bytes on one stream, and returns the exit code.
func upload(args []string) int {
	var o dialOptions
	flags := flag.NewFlagSet("upload", flag.ExitOnError)
	o.register(flags, 300)
	positional := parse(flags, args)
	if len(positional) != 2 {
		fail(usage)
	}
	size, err := strconv.Atoi(positional[1])
	if err != nil {
		fail(usage)
	}
	endAfter(o.maxSeconds)
	seconds, err := o.upload(positional[0], size)
	if err != nil {
		say(refused{Error: err.Error()})
		return 1
	}
	say(uploaded{OK: true, Seconds: seconds})
	return 0
}

func (o *dialOptions) upload(target string, size int) (float64, error) {
	info, err := peer.AddrInfoFromString(target)
	if err != nil {
		return 0, err
	}
	node, err := o.start(info.Addrs[0])
	if err != nil {
		return 0, err
	}
	node.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)
	seconds, err := send(node, info.ID, size)
	_ = node.Network().ClosePeer(info.ID)
	return seconds, err
}

// send takes the time from the first byte until the other side has said that it has them all.
func send(node host.Host, id peer.ID, size int) (float64, error) {
	stream, err := node.NewStream(context.Background(), id, perfID)
	if err != nil {
		return 0, err
	}
	if _, err := stream.Write(binary.BigEndian.AppendUint64(nil, 1)); err != nil {
		return 0, err
	}
	begin := time.Now()
	for buffer := make([]byte, chunk); size > 0; size -= chunk {
		if _, err := stream.Write(buffer[:min(size, chunk)]); err != nil {
			return 0, err
		}
	}
	if err := stream.CloseWrite(); err != nil {
		return 0, err
	}
	_, err = io.ReadFull(stream, make([]byte, 1))
	return time.Since(begin).Seconds(), err
}
