"""What a host of the lab sends and gets, on all its devices: recorded until the input ends, then told as one line of JSON.

A flow is a protocol, an own port, and an address and port elsewhere. Bytes are those of the payload of UDP and TCP, else of
what IP carries; to look for an address (ARP) counts as sending to it."""

import ctypes
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
ATTACH_FILTER, RECEIVE_BUFFER_FORCED, OF_PACKETS, STATISTICS = 26, 33, 263, 6
BUFFER = 1 << 25
# What is recorded of a packet: all of one that is as long as a device sends. Its length is read from its head.
WHOLE = 2048
RETURN = 0x06
# Datagrams of a flow that are kept whole.
KEPT = 16

link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERYTHING))
try:
    link.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCED, BUFFER)
except PermissionError:
    # Not the machine's root: as much as anybody may have.
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
program = ctypes.create_string_buffer(struct.pack("HBBI", RETURN, 0, 0, WHOLE))
link.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
flows = {}


def read(kind, packet):
    """The protocol, both addresses, what is within as far as it is recorded, and its length."""
    if kind == ARP:
        return "arp", packet[14:18], packet[24:28], b"", 0
    if kind == IPV4:
        head, length = (packet[0] & 15) * 4, struct.unpack("!H", packet[2:4])[0]
        return packet[9], packet[12:16], packet[16:20], packet[head:length], length - head
    protocol, length, rest = packet[6], struct.unpack("!H", packet[4:6])[0], packet[40:]
    if protocol == HOP_BY_HOP:
        options = (rest[1] + 1) * 8
        protocol, length, rest = rest[0], length - options, rest[options:]
    return protocol, packet[8:24], packet[24:40], rest[:length], length


def note(kind, out, packet):
    protocol, source, target, rest, length = read(kind, packet)
    own, other = (source, target) if out else (target, source)
    ports = (0, 0)
    if protocol in (TCP, UDP):
        ports = struct.unpack("!HH", rest[:4])
        head = 8 if protocol == UDP else (rest[12] >> 4) * 4
        rest, length = rest[head:], length - head
    port, at = ports if out else reversed(ports)
    family = socket.AF_INET6 if len(other) == 16 else socket.AF_INET
    key = (str(NAMES.get(protocol, protocol)), port, socket.inet_ntop(family, other), at)
    flow = flows.setdefault(key, {"began": "here" if out else "there", "sent": 0, "came": 0, "packets": 0, "kept": []})
    flow["sent" if out else "came"] += length
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
        packet, (_, kind, direction, _, _) = link.recvfrom(WHOLE)
        if kind in (ARP, IPV4, IPV6):
            note(kind, direction == OUTGOING, packet)
    elif ended:
        break
_, lost = struct.unpack("II", link.getsockopt(OF_PACKETS, STATISTICS, 8))
names = ("protocol", "port", "other", "at")
told = [dict(zip(names, key)) | flow for key, flow in flows.items()]
print(json.dumps({"lost": lost, "flows": told}), flush=True)
