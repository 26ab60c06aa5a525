//! Whether an interface leads through a tunnel, as of a VPN: what stands between this machine and the internet is at its other end.

use std::{fs, path::Path};

use netdev::{Interface, interface::types::InterfaceType};

/// What Linux tells of its interfaces.
const TOLD: &str = "/sys/class/net";
/// `IFF_TUN` (`if_tun.h`): a device of IP packets that a program reads and writes. One of frames (`IFF_TAP`) has a network at its end,
/// with a router in it, as of a machine in a machine.
const TUN: u32 = 1;
/// Hardware types of tunnels that the system makes itself (`if_arp.h`): IPIP, IPv6, SIT, GRE, and GRE over IPv6. A line to a provider
/// (PPP) or a mobile network is none.
const TUNNELS: [u32; 5] = [768, 769, 776, 778, 823];

/// Whether it is one, as far as the system tells.
pub(super) fn is_one(interface: &Interface) -> bool {
    let told = Path::new(TOLD);
    if told.is_dir() { is_told(&told.join(&interface.name)) } else { looks_like_one(interface) }
}

fn is_told(device: &Path) -> bool {
    let read = |name: &str| fs::read_to_string(device.join(name)).unwrap_or_default();
    let flags = u32::from_str_radix(read("tun_flags").trim().trim_start_matches("0x"), 16).unwrap_or_default();
    let wireguard = read("uevent").lines().any(|line| line == "DEVTYPE=wireguard");
    wireguard || flags & TUN != 0 || read("type").trim().parse().is_ok_and(|kind| TUNNELS.contains(&kind))
}

/// Systems that tell less: two ends and nobody else, and no line to a provider.
fn looks_like_one(interface: &Interface) -> bool {
    let line =
        matches!(interface.if_type, InterfaceType::Ppp | InterfaceType::Wwan | InterfaceType::Wwanpp | InterfaceType::Wwanpp2);
    interface.is_tun() && !line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_told_by_what_it_is() {
        let table = [
            ("a program's, of packets", &[("tun_flags", "0x1001\n"), ("type", "65534\n")][..], true),
            ("a program's, of frames", &[("tun_flags", "0x1002\n"), ("type", "1\n")], false),
            ("WireGuard", &[("uevent", "DEVTYPE=wireguard\nINTERFACE=wg0\nIFINDEX=4\n"), ("type", "65534\n")], true),
            ("the system's", &[("type", "776\n")], true),
            ("a line to a provider", &[("type", "512\n")], false),
            ("a modem's", &[("uevent", "DEVTYPE=wwan\nINTERFACE=wwan0\n"), ("type", "65534\n")], false),
            ("Ethernet", &[("uevent", "INTERFACE=eth0\n"), ("type", "1\n")], false),
            ("one of which nothing is told", &[], false),
        ];
        for (name, files, expected) in table {
            let device = tempfile::tempdir().unwrap();
            for (file, text) in files {
                fs::write(device.path().join(file), text).unwrap();
            }
            assert_eq!(is_told(device.path()), expected, "{name}");
        }
    }
}
