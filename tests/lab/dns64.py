"""A name server that makes up IPv6 addresses as DNS64 does (RFC 6147): `dns64.py ADDRESS… NAME=IPV4…` answers AAAA questions for
ipv4only.arpa with these addresses, questions for other names with theirs and what it makes of it, and everything else with
nothing."""

import socket
import sys

A, AAAA = b"\x00\x01", b"\x00\x1c"
WELL_KNOWN = socket.inet_pton(socket.AF_INET6, "64:ff9b::")[:12]


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\x00"


known = {(wire("ipv4only.arpa"), AAAA): [socket.inet_pton(socket.AF_INET6, given) for given in sys.argv[1:] if "=" not in given]}
for name, address in (given.split("=") for given in sys.argv[1:] if "=" in given):
    four = socket.inet_pton(socket.AF_INET, address)
    known |= {(wire(name), A): [four], (wire(name), AAAA): [WELL_KNOWN + four]}

server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(("::", 53))
print("ready", flush=True)
while True:
    question, asker = server.recvfrom(2000)
    name_end = question.index(b"\x00", 12) + 1
    asked, kind = question[12:name_end], question[name_end : name_end + 4]
    records = known.get((asked.lower(), kind[:2]), [])
    head = question[:2] + b"\x81\x80\x00\x01" + len(records).to_bytes(2, "big") + b"\x00\x00\x00\x00"
    body = b"".join(b"\xc0\x0c" + kind + b"\x00\x00\x00\x3c" + len(record).to_bytes(2, "big") + record for record in records)
    server.sendto(head + asked + kind + body, asker)
