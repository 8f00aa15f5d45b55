"""Hosts of our own: network namespaces on one bridge, with IPv4 and IPv6, gone when the test ends.

Real phones refuse plain loopback, so each gets a host: 10.66.0.N and fd66::N.
"""

import itertools
import os
import subprocess

_numbers = itertools.count(1)


def _run(*words):
    subprocess.run(words, check=True, capture_output=True)


class Network:
    """A switch and the hosts on it; use as a context."""

    def __init__(self):
        self.mark = f"mt{os.getpid() % 10000}x{next(_numbers)}"
        self.hosts = []
        self.bridge = f"{self.mark}br"

    def __enter__(self):
        _run("ip", "netns", "add", self.bridge)
        _run("ip", "-n", self.bridge, "link", "add", "br0", "type", "bridge", "stp_state", "0")
        _run("ip", "-n", self.bridge, "link", "set", "br0", "up")
        return self

    def __exit__(self, *_):
        for name in [host.namespace for host in self.hosts] + [self.bridge]:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)

    def host(self):
        """A new host with an address of each family, joined to all others."""
        number = len(self.hosts) + 1
        host = Host(f"{self.mark}h{number}", f"10.66.0.{number}", f"fd66::{number:x}")
        port = f"p{number}"
        _run("ip", "netns", "add", host.namespace)
        self.hosts.append(host)
        _run("ip", "link", "add", "eth0", "netns", host.namespace, "type", "veth",
             "peer", "name", port, "netns", self.bridge)
        _run("ip", "-n", self.bridge, "link", "set", port, "master", "br0", "up")
        _run("ip", "-n", host.namespace, "link", "set", "lo", "up")
        _run("ip", "-n", host.namespace, "address", "add", f"{host.v4}/24", "dev", "eth0")
        _run("ip", "-n", host.namespace, "address", "add", f"{host.v6}/64", "dev", "eth0", "nodad")
        _run("ip", "-n", host.namespace, "link", "set", "eth0", "up")
        # A default route, without which linphone finds no address of its own.
        _run("ip", "-n", host.namespace, "route", "add", "default", "via", "10.66.0.254")
        _run("ip", "-n", host.namespace, "-6", "route", "add", "default", "via", "fd66::fe")
        return host


class Host:
    def __init__(self, namespace, v4, v6):
        self.namespace, self.v4, self.v6 = namespace, v4, v6

    def command(self, *words):
        """The command that runs `words` on this host."""
        return ["ip", "netns", "exec", self.namespace, *[str(word) for word in words]]

    def address(self, family):
        return self.v4 if family == 4 else self.v6
