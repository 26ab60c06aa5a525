"""Links of the lab that deliver each packet later: a kernel without netem has no other way.

Arguments: the time in milliseconds, each way, and the hosts of the lab whose `eth0` is such a link, plugged into the bridge
of this one. A link is a pair of TAP devices, which the kernel gives whole frames with their checksums filled in. It prints
a line when all stand, and ends with its standard input."""

import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
FRAME = 2048
STDIN = 0


def tap(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def link(host):
    wire, inner = tap(f"p{host}"), tap(f"i{host}")
    ip("link", "set", f"p{host}", "master", "br0", "up")
    ip("link", "set", f"i{host}", "netns", host)
    ip("-n", host, "link", "set", f"i{host}", "name", "eth0")
    return wire, inner


def frames(device):
    try:
        while True:
            yield os.read(device, FRAME)
    except BlockingIOError:
        pass


def deliver(device, frame):
    try:
        os.write(device, frame)
    except OSError:
        # The link is not up yet, or full: a packet lost.
        pass


delay = float(sys.argv[1]) / 1000
ends = {}
for host in sys.argv[2:]:
    wire, inner = link(host)
    ends[wire], ends[inner] = inner, wire
print("ready", flush=True)
late = collections.deque()
while True:
    wait = max(0, late[0][0] - time.monotonic()) if late else None
    ready, _, _ = select.select([STDIN, *ends], [], [], wait)
    if STDIN in ready and not os.read(STDIN, 1):
        break
    now = time.monotonic()
    for device in ends:
        if device in ready:
            late.extend((now + delay, ends[device], frame) for frame in frames(device))
    while late and late[0][0] <= time.monotonic():
        deliver(*late.popleft()[1:])
