"""A gateway that misbehaves: `gateway.py BEHAVIOUR OWN ELSEWHERE`. It says `ready`, and serves until its standard input ends.

Every behaviour answers the search (SSDP) and describes itself as an IGD does, but for what its name says."""

import os
import select
import socket
import sys
import threading
import time

behaviour, own, elsewhere = sys.argv[1:4]
KIND = "urn:schemas-upnp-org:service:WANIPConnection:1"
# The router's address away from the client.
OUTSIDE = "11.22.35.9"
# Less than one question may take, in seconds, and all of them together more than a gateway has.
SLOW = 0.8
ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'


def search():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", 1900))
    membership = socket.inet_aton("239.255.255.250") + socket.inet_aton(own)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    return sock


def found(sock):
    beyond = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if behaviour == "it answers from another network":
        beyond.bind((OUTSIDE, 0))
    while True:
        _, asker = sock.recvfrom(2000)
        host = elsewhere if behaviour == "location elsewhere" else own
        if behaviour == "it answers from another network":
            host = OUTSIDE
        answer = f"HTTP/1.1 200 OK\r\nST: {KIND}\r\nLOCATION: http://{host}:5000/root.xml\r\n\r\n".encode()
        if behaviour == "noise for an answer":
            answer = os.urandom(1200)
        elif behaviour == "a flood of answers":
            answer = b"HTTP/1.1 200 OK\r\n\r\n"
        elif behaviour == "no place in the answer":
            answer = b"HTTP/1.1 200 OK\r\nLOCATION: nowhere\r\n\r\n"
        if host == OUTSIDE:
            beyond.sendto(answer, asker)
            continue
        sock.sendto(answer, asker)
        end = time.monotonic() + 10
        while behaviour == "a flood of answers" and time.monotonic() < end:
            sock.sendto(answer + os.urandom(900), asker)


def described():
    control = f"http://{elsewhere}:5000/control" if behaviour == "control elsewhere" else "/control"
    service = f"<service><serviceType>{KIND}</serviceType><controlURL>{control}</controlURL></service>"
    if behaviour == "slow at every step":
        service *= 4
    bare = f"<root><device><serviceList>{service}</serviceList></device></root>"
    text = f'<?xml version="1.0"?>{bare}'
    if behaviour == "an XML bomb":
        entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
        text = f'<!DOCTYPE root [<!ENTITY e0 "x">{entities}]>' + bare.replace("<device>", "<device>&e9;")
    elif behaviour == "a description with a DTD":
        text = '<!DOCTYPE root [<!ENTITY e "x">]>' + bare
    elif behaviour == "XML without depth":
        text = "<a>" * 9000
    elif behaviour == "no service in the description":
        text = "<root><device/></root>"
    return text


def answered(action):
    if action == "GetExternalIPAddress":
        told = behaviour.removeprefix("it tells ") if behaviour.startswith("it tells ") else OUTSIDE
        return f"<NewExternalIPAddress>{told}</NewExternalIPAddress>"
    return ""


def reply(connection, status, body):
    connection.sendall(f"HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())


def endless(connection, head):
    connection.sendall(head)
    while True:
        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n" if b"chunked" in head else b"X-Header: " + b"x" * 4000 + b"\r\n")


def get(connection):
    if behaviour == "noise for a description":
        connection.sendall(os.urandom(20_000))
    elif behaviour == "an endless description":
        endless(connection, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    elif behaviour == "endless headers":
        endless(connection, b"HTTP/1.1 200 OK\r\n")
    elif behaviour == "a description of a gigabyte":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"<a>" * 40_000)
        time.sleep(60)
    elif behaviour == "a description by the byte":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b"<")
            time.sleep(0.05)
    elif behaviour == "it never answers":
        time.sleep(60)
    elif behaviour == "it closes":
        return
    elif behaviour == "it redirects":
        connection.sendall(f"HTTP/1.1 302 X\r\nLocation: http://{elsewhere}:5000/root.xml\r\nContent-Length: 0\r\n\r\n".encode())
    elif behaviour == "slow at every step":
        time.sleep(SLOW)
        reply(connection, 200, described())
    else:
        reply(connection, 200, described())


def post(connection, action):
    if action == "AddPortMapping" and behaviour == "it never maps":
        time.sleep(60)
    elif action == "AddPortMapping" and behaviour == "every port is taken":
        detail = f"<errorCode>718</errorCode><errorDescription>{'Conflict ' * 1000}</errorDescription>"
        reply(connection, 500, ENVELOPE.format(f"<s:Fault><detail><UPnPError>{detail}</UPnPError></detail></s:Fault>"))
    elif behaviour == "slow at every step":
        # No address, so that the next service is asked.
        time.sleep(SLOW)
        reply(connection, 200, ENVELOPE.format(f'<u:{action}Response xmlns:u="{KIND}"/>'))
    elif behaviour == "noise for an action":
        reply(connection, 200, "<html>login</html>")
    else:
        reply(connection, 200, ENVELOPE.format(f'<u:{action}Response xmlns:u="{KIND}">{answered(action)}</u:{action}Response>'))


def serve(connection):
    try:
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(4096)
            if not more:
                return
            head += more
        if head.startswith(b"POST"):
            post(connection, head.split(b"#", 1)[1].split(b'"', 1)[0].decode())
        else:
            get(connection)
    except OSError:
        pass
    finally:
        connection.close()


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def mapping(sock):
    """NAT-PMP and PCP: noise."""
    while True:
        _, asker = sock.recvfrom(2000)
        sock.sendto(b"\xff" * 1100, asker)


def opening(sock):
    """PCP over IPv6."""
    while True:
        asked, asker = sock.recvfrom(2000)
        result = 2 if behaviour == "IPv6: it refuses" else 0
        answer = asked[:1] + bytes([asked[1] | 0x80, 0, result]) + asked[4:8] + bytes(16) + asked[24:]
        sock.sendto(b"\xff" * 1100 if behaviour == "IPv6: noise" else answer, asker)


listener = socket.create_server(("0.0.0.0", 5000))
if behaviour == "a trap":
    # Nobody has a reason to come.
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if listener in readable:
            print("caught", flush=True)
            sys.exit()
        if not sys.stdin.readline():
            print("nobody came", flush=True)
            sys.exit()
threading.Thread(target=found, args=(search(),), daemon=True).start()
threading.Thread(target=accept, args=(listener,), daemon=True).start()
if behaviour == "noise for a mapping":
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", 5351))
    threading.Thread(target=mapping, args=(udp,), daemon=True).start()
if behaviour.startswith("IPv6: "):
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    udp.bind(("::", 5351))
    threading.Thread(target=opening, args=(udp,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
os._exit(0)
