"""A py-libp2p node for interop tests: it serves webrtc-direct, or it dials one such address.

The same JSON lines as ../go, and of its command line what the tests use.
"""

import argparse
import json
import logging
import os
import sys
import threading
import time

import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.host.ping import ID as PING, perform_ping_roundtrip
from libp2p.identity.identify.identify import ID as IDENTIFY, parse_identify_response
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.transport.webrtc.config import WebRTCTransportConfig
from libp2p.transport.webrtc.transport import WebRTCDirectTransport
from multiaddr import Multiaddr

STARTED = time.monotonic()
# What an identify message may be long at most.
LONGEST_IDENTIFY = 65536


def say(line):
    print(json.dumps(line), flush=True)


def host(version):
    key = create_new_key_pair()
    config = WebRTCTransportConfig(webrtc_direct_dial_version=version)
    return new_host(key_pair=key, transports=[WebRTCDirectTransport(key.private_key, config)], enable_tcp=False)


async def serve(options):
    """Until standard input closes, which happens even when the parent is killed."""
    node = host(1)
    async with node.run(listen_addrs=[Multiaddr(addr) for addr in options.listen]):
        say({"peer": str(node.get_id()), "addrs": [str(addr) for addr in node.get_addrs()]})
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
    return 0


async def dial(options):
    try:
        with trio.fail_after(options.max_seconds):
            say(await visit(options))
        return 0
    except Exception as error:
        say({"ok": False, "error": f"{type(error).__name__}: {error}"})
        return 1


async def visit(options):
    info = info_from_p2p_addr(Multiaddr(options.address))
    node = host(options.dial_version)
    async with node.run(listen_addrs=[]):
        begin = time.monotonic()
        await node.connect(info)
        connect_ms = since(begin)

        begin = time.monotonic()
        identified = await identify(node, info.peer_id)
        identify_ms = since(begin)

        stream = await node.new_stream(info.peer_id, [PING])
        pings = []
        for _ in range(options.pings):
            begin = time.monotonic()
            await perform_ping_roundtrip(stream)
            pings.append(since(begin))
        await stream.close()
        return {
            "ok": True,
            "peer": str(info.peer_id),
            "agent": identified.agent_version,
            "protocols": list(identified.protocols),
            "observed": str(Multiaddr(identified.observed_addr)) if identified.observed_addr else "",
            "listening": [str(Multiaddr(addr)) for addr in identified.listen_addrs],
            "transport": "webrtc-direct",
            "security": "",
            "muxer": "",
            "connect_ms": connect_ms,
            "identify_ms": identify_ms,
            "ping_ms": pings,
            "total_ms": since(STARTED),
        }


async def identify(node, peer):
    """By hand, so that its failure is an error here."""
    stream = await node.new_stream(peer, [IDENTIFY])
    message = b""
    while len(message) <= LONGEST_IDENTIFY:
        part = await stream.read(LONGEST_IDENTIFY)
        if not part:
            break
        message += part
        try:
            return parse_identify_response(message)
        except Exception:  # not all of it yet
            continue
    raise ValueError(f"identify: {len(message)} bytes are no answer")


def since(begin):
    return round((time.monotonic() - begin) * 1000, 3)


def options():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve")
    command.add_argument("--listen", action="append", required=True)
    command.add_argument("--max-seconds", type=float, default=600)
    command.set_defaults(run=serve)
    command = commands.add_parser("dial")
    command.add_argument("address")
    command.add_argument("--dial-version", type=int, choices=[1, 2], default=1)
    command.add_argument("--pings", type=int, default=1)
    command.add_argument("--max-seconds", type=float, default=60)
    command.set_defaults(run=dial)
    return parser.parse_args()


def main():
    chosen = options()
    # Bounds the life of the process, whatever else hangs.
    limit = threading.Timer(chosen.max_seconds + 5, lambda: os._exit(2))
    limit.daemon = True
    limit.start()
    logging.disable(logging.CRITICAL)
    code = trio.run(chosen.run, chosen)
    sys.stdout.flush()
    # Its threads may outlive it.
    os._exit(code)


main()
