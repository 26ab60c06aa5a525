"""What a host of the lab sends and gets, on all its devices: recorded until the input ends, then told as one line of JSON.

A flow is a protocol, an own port, and an address and port elsewhere. Bytes are those of the payload of UDP and TCP, else of
what IP carries; to look for an address (ARP) counts as sending to it."""

import json
import select
import socket
import struct
import sys

EVERYTHING, ARP, IPV4, IPV6 = 0x0003, 0x0806, 0x0800, 0x86DD
OUTGOING = 4
TCP, UDP, HOP_BY_HOP = 6, 17, 0
NAMES = {1: "icmp", TCP: "tcp", UDP: "udp", 58: "icmp6"}
# Not in Python's module.
RECEIVE_BUFFER_FORCED, OF_PACKETS, STATISTICS = 33, 263, 6
BUFFER = 1 << 25
# Datagrams of a flow that are kept whole.
KEPT = 16

link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERYTHING))
link.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCED, BUFFER)
flows = {}


def read(kind, packet):
    """The protocol, both addresses, and what is within."""
    if kind == ARP:
        return "arp", packet[14:18], packet[24:28], b""
    if kind == IPV4:
        head, length = (packet[0] & 15) * 4, struct.unpack("!H", packet[2:4])[0]
        return packet[9], packet[12:16], packet[16:20], packet[head:length]
    protocol, rest = packet[6], packet[40:]
    if protocol == HOP_BY_HOP:
        protocol, rest = rest[0], rest[(rest[1] + 1) * 8 :]
    return protocol, packet[8:24], packet[24:40], rest


def note(kind, out, packet):
    protocol, source, target, rest = read(kind, packet)
    own, other = (source, target) if out else (target, source)
    ports = (0, 0)
    if protocol in (TCP, UDP):
        ports = struct.unpack("!HH", rest[:4])
        rest = rest[8:] if protocol == UDP else rest[(rest[12] >> 4) * 4 :]
    port, at = ports if out else reversed(ports)
    family = socket.AF_INET6 if len(other) == 16 else socket.AF_INET
    key = (str(NAMES.get(protocol, protocol)), port, socket.inet_ntop(family, other), at)
    flow = flows.setdefault(key, {"began": "here" if out else "there", "sent": 0, "came": 0, "packets": 0, "kept": []})
    flow["sent" if out else "came"] += len(rest)
    flow["packets"] += out
    if protocol == UDP and len(flow["kept"]) < KEPT:
        flow["kept"].append({"out": out, "bytes": rest.hex()})


print("ready", flush=True)
ended = False
while True:
    # What has come is read to its end.
    ready, _, _ = select.select([link] if ended else [link, sys.stdin], [], [], 0 if ended else None)
    if sys.stdin in ready:
        ended = True
    if link in ready:
        packet, (_, kind, direction, _, _) = link.recvfrom(1 << 17)
        if kind in (ARP, IPV4, IPV6):
            note(kind, direction == OUTGOING, packet)
    elif ended:
        break
_, lost = struct.unpack("II", link.getsockopt(OF_PACKETS, STATISTICS, 8))
names = ("protocol", "port", "other", "at")
told = [dict(zip(names, key)) | flow for key, flow in flows.items()]
print(json.dumps({"lost": lost, "flows": told}), flush=True)
