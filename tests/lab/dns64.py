"""A name server that makes up IPv6 addresses as DNS64 does (RFC 6147): `dns64.py ADDRESS…` answers AAAA questions for
ipv4only.arpa with these, and everything else with nothing."""

import socket
import sys

addresses = [socket.inet_pton(socket.AF_INET6, address) for address in sys.argv[1:]]
NAME = b"\x08ipv4only\x04arpa\x00"
AAAA = b"\x00\x1c\x00\x01"

server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(("::", 53))
print("ready", flush=True)
while True:
    question, asker = server.recvfrom(2000)
    name_end = question.index(b"\x00", 12) + 1
    asked, kind = question[12:name_end], question[name_end : name_end + 4]
    records = addresses if asked.lower() == NAME and kind == AAAA else []
    head = question[:2] + b"\x81\x80\x00\x01" + len(records).to_bytes(2, "big") + b"\x00\x00\x00\x00"
    body = b"".join(b"\xc0\x0c" + AAAA + b"\x00\x00\x00\x3c\x00\x10" + record for record in records)
    server.sendto(head + asked + kind + body, asker)
