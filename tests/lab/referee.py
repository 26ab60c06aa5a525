"""Plain sockets of one host of the lab, told what to do by the test: a line of JSON each way.

What they see is the truth that p2p-probe's verdict is held against."""

import json
import socket
import struct
import sys

sockets = []


def keep(sock):
    sockets.append(sock)
    return len(sockets) - 1


def fresh(kind, port):
    sock = socket.socket(socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Closing resets, so that nothing lingers.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.bind(("0.0.0.0", port))
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


does = {"udp": udp, "send": send, "receive": receive, "listen": listen, "connect": connect, "accept": accept}
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(does[asked["op"]](asked)), flush=True)
