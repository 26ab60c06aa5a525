"""Plain sockets of one host of the lab, told what to do by the test: a line of JSON each way.

What they see is the truth that p2p-probe's verdict is held against."""

import json
import random
import select
import socket
import struct
import sys
import time

# Not in Python's module.
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
# `6` for IPv6.
family = socket.AF_INET6 if sys.argv[1:] == ["6"] else socket.AF_INET
sockets = []


def keep(sock):
    sockets.append(sock)
    return len(sockets) - 1


def fresh(kind, port):
    sock = socket.socket(family, kind)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Closing resets, so that nothing lingers.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    return sock


def udp(ask):
    sock = fresh(socket.SOCK_DGRAM, ask.get("port", 0))
    return {"id": keep(sock), "port": sock.getsockname()[1]}


def send(ask):
    try:
        sockets[ask["id"]].sendto(b"lab", tuple(ask["to"]))
    except OSError as error:
        return {"error": error.errno}
    return {}


def receive(ask):
    sock = sockets[ask["id"]]
    sock.settimeout(ask["ms"] / 1000)
    try:
        return {"from": list(sock.recvfrom(100)[1])}
    except OSError:
        return {"from": None}


def listen(ask):
    sock = fresh(socket.SOCK_STREAM, ask.get("port", 0))
    sock.listen(16)
    return {"id": keep(sock), "port": sock.getsockname()[1]}


def connect(ask):
    sock = fresh(socket.SOCK_STREAM, ask.get("port", 0))
    sock.settimeout(ask["ms"] / 1000)
    try:
        sock.connect(tuple(ask["to"]))
    except OSError:
        return {"id": None}
    return {"id": keep(sock)}


def accept(ask):
    sock = sockets[ask["id"]]
    sock.settimeout(ask["ms"] / 1000)
    try:
        accepted, remote = sock.accept()
    except OSError:
        return {"from": None}
    keep(accepted)
    return {"from": list(remote)}


def forge(ask):
    """Sends from an address of somebody else's: what the system allows to who answers for whole networks."""
    six = ":" in ask["from"][0]
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(*((socket.IPPROTO_IPV6, IPV6_TRANSPARENT) if six else (socket.IPPROTO_IP, IP_TRANSPARENT)), 1)
    sock.bind(tuple(ask["from"]))
    for datagram in ask["bytes"]:
        sock.sendto(bytes.fromhex(datagram), tuple(ask["to"]))
    sock.close()
    return {}


def clock(ask):
    """The same on every host."""
    return {"now": time.monotonic()}


def punch_udp(ask):
    """Sends to a place that sends here at the same time. Whether what was sent is answered from that very place."""
    sock, to, end = sockets[ask["id"]], tuple(ask["to"]), ask["at"] + ask["ms"] / 1000
    time.sleep(max(0, ask["at"] - time.monotonic()))
    answered, again = False, time.monotonic()
    while (now := time.monotonic()) < end:
        if now >= again:
            sock.sendto(b"punch", to)
            again = now + 0.05
        sock.settimeout(max(0.001, min(again, end) - now))
        try:
            said, source = sock.recvfrom(100)
        except OSError:
            continue
        if said == b"punch":
            sock.sendto(b"heard", source)
        elif said == b"heard" and source == to:
            answered = True
    return {"answered": answered}


def dial(port, to):
    sock = fresh(socket.SOCK_STREAM, port)
    sock.setblocking(False)
    try:
        sock.connect(to)
    except BlockingIOError:
        pass
    except OSError:
        sock.close()
        return None
    return sock


def punch_tcp(ask):
    """Dials a place that dials here at the same time, again where it is refused. Whether a connection comes about."""
    listener, to, end = sockets[ask["id"]], tuple(ask["to"]), ask["at"] + ask["ms"] / 1000
    time.sleep(max(0, ask["at"] - time.monotonic()))
    dialing = None
    while (now := time.monotonic()) < end:
        dialing = dialing or dial(listener.getsockname()[1], to)
        pause = end - now if dialing else random.uniform(0.02, 0.08)
        came, made, _ = select.select([listener], [dialing] if dialing else [], [], pause)
        if came:
            accepted, source = listener.accept()
            keep(accepted)
            if source[0] == to[0]:
                return {"answered": True}
        if made:
            if dialing.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                keep(dialing)
                return {"answered": True}
            dialing.close()
            dialing = None
            time.sleep(random.uniform(0.02, 0.08))
    return {"answered": False}


does = {"clock": clock, "forge": forge, "punch-udp": punch_udp, "punch-tcp": punch_tcp}
does |= {"udp": udp, "send": send, "receive": receive, "listen": listen, "connect": connect, "accept": accept}
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(does[asked["op"]](asked)), flush=True)
