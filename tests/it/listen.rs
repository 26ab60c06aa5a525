//! `p2p-probe listen`, dialed by the same program: what it serves, what it tells of a dialer, how it ends.

use crate::program::{self, Live, Run};
use crate::rules;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

pub const LOOPBACK: [&str; 3] = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/udp/0/quic-v1"];

/// Connections that one IP address may hold.
const PER_IP: usize = 32;

/// A listener on loopback and its addresses, which carry its peer ID.
pub fn start(home: &Path, arguments: &[&str]) -> (Live, Vec<String>) {
    start_on(home, &LOOPBACK, arguments)
}

/// The same on these addresses.
pub fn start_on(home: &Path, listen: &[&str], arguments: &[&str]) -> (Live, Vec<String>) {
    let mut command = Command::new(program::binary());
    program::settle(&mut command, home);
    command.args(["listen", "--format", "ndjson"]).args(listen.iter().flat_map(|address| ["--listen", address]));
    command.args(arguments);
    let mut listener = Live::start(command);
    let mut addresses = Vec::new();
    while addresses.len() < listen.len() {
        let line = listener.next_json();
        let address = line["address"].as_str().filter(|_| line["event"] == "listening");
        addresses.push(address.unwrap_or_else(|| panic!("not an address: {line}")).to_owned());
    }
    (listener, addresses)
}

fn dial(home: &Path, address: &str) -> (Run, Value) {
    let run = program::run(program::command(home, ["dial", address, "--format", "json"]));
    let report = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("no report: {}{}", run.stdout, run.stderr));
    (run, report)
}

#[test]
fn it_can_be_dialed_and_tells_of_each_dialer() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut listener, addresses) = start(home.path(), &["--ephemeral"]);
    let at: Vec<String> = addresses.iter().map(|address| bare(address).to_owned()).collect();
    for address in addresses {
        let (run, report) = dial(home.path(), &address);
        assert_eq!(run.exit, 0, "{report}");
        assert_eq!(rules::faults(&report, 0), Vec::<String>::new(), "{report}");
        let planned = listener.until(|line| line["event"] == "attempt-planned");
        assert_eq!(planned["direction"], "inbound", "{planned}");
        let id = planned["attempt"].clone();
        // It is told where it was dialed.
        let of_it = |line: &Value| line["attempt"] == id && line["stage"] == "identify";
        let identified = listener.until(|line| line["event"] == "stage-ended" && of_it(line));
        let observed = identified["found"]["observed"].as_str().map(str::to_owned);
        assert!(observed.is_some_and(|observed| at.contains(&observed)), "{identified}");
        listener.until(|line| line["event"] == "attempt-ended" && line["attempt"] == id);
    }
    listener.signal("TERM");
    let end = listener.finish();
    assert_eq!(end.exit, 0, "{}", end.stderr);
}

/// An address without its certhash and peer.
fn bare(address: &str) -> &str {
    let end = ["/certhash/", "/p2p/"].into_iter().filter_map(|part| address.find(part)).min();
    &address[..end.unwrap_or(address.len())]
}

/// The TCP socket behind an address such as `/ip4/127.0.0.1/tcp/4011/p2p/…`.
fn socket(address: &str) -> TcpStream {
    let port = address.split('/').nth(4).and_then(|port| port.parse().ok()).expect("a port");
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens")
}

#[test]
fn it_tells_what_a_stranger_spoke_and_stays_up() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut listener, addresses) = start(home.path(), &["--ephemeral"]);
    let mut stranger = socket(&addresses[0]);
    stranger.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("it reads");
    let end = listener.until(|line| line["event"] == "stage-ended" && line["outcome"] == "failed");
    assert_eq!((&end["stage"], &end["cause"]["code"]), (&"secure".into(), &"not-libp2p".into()), "{end}");
    assert_eq!(end["cause"]["speaks"], "HTTP", "{end}");
    for address in addresses {
        assert_eq!(dial(home.path(), &address).0.exit, 0, "{address}");
    }
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

/// One IP address gets 32 connections; the next is turned away, and there is room again once they are gone.
#[test]
fn it_does_not_let_one_address_take_all_connections() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut listener, addresses) = start(home.path(), &["--ephemeral"]);
    let mut taken: Vec<TcpStream> = (0..PER_IP).map(|_| socket(&addresses[0])).collect();
    for stream in &mut taken {
        // Its first bytes show that it holds the connection.
        stream.write_all(b"\x13/multistream/1.0.0\n").expect("it reads");
        stream.read_exact(&mut [0; 20]).expect("it speaks multistream-select");
    }
    let mut extra = socket(&addresses[0]);
    let _ = extra.write_all(b"\x13/multistream/1.0.0\n");
    assert!(!matches!(extra.read(&mut [0; 20]), Ok(1..)), "the connection above the limit is served");
    drop(taken);
    for _ in 0..PER_IP {
        listener.until(|line| line["event"] == "attempt-ended");
    }
    assert_eq!(dial(home.path(), &addresses[0]).0.exit, 0);
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

/// A dialer with a stale certhash leaves with a goodbye, so that the listener knows at once, not at the end of its time.
#[test]
fn it_tells_of_a_webrtc_dialer_that_refused_its_certificate() {
    let home = tempfile::tempdir().expect("a folder");
    let (mut listener, addresses) = start_on(home.path(), &["/ip4/127.0.0.1/udp/0/webrtc-direct"], &["--ephemeral"]);
    let (place, rest) = addresses[0].split_once("/certhash/").expect("a certhash");
    let peer = rest.split_once('/').expect("a peer ID").1;
    let stale = format!("{place}/certhash/uEiAUDp0D0HEvP43E4dzXPUiG5qNBXqP8ASEWFtiCZdn-sw/{peer}");
    for version in ["v1", "v2"] {
        let run = program::run(program::command(home.path(), ["dial", &stale, "--webrtc", version, "--format", "json"]));
        assert_eq!(run.exit, 1, "{}", run.stdout);
        let end = listener.until(|line| line["event"] == "stage-ended" && line["outcome"] == "failed");
        assert_eq!((&end["stage"], &end["cause"]["code"]), (&"channel".into(), &"channel-failed".into()), "{end}");
    }
    assert_eq!(dial(home.path(), &addresses[0]).0.exit, 0);
    listener.signal("TERM");
    assert_eq!(listener.finish().exit, 0);
}

#[test]
fn its_identity_is_kept_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("node.key");
    let arguments = ["--identity", file.to_str().expect("UTF-8")];
    let peer = || {
        let (listener, addresses) = start(home.path(), &arguments);
        listener.signal("INT");
        assert_eq!(listener.finish().exit, 0);
        addresses[0].rsplit_once("/p2p/").expect("the peer ID is in the address").1.to_owned()
    };
    assert_eq!(peer(), peer());
    let mode = file.metadata().expect("the identity").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_port_in_use_is_one_sentence_and_the_option_to_change_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().expect("bound").port());
    let home = tempfile::tempdir().expect("a folder");
    let run = program::run(program::command(home.path(), ["listen", "--ephemeral", "--listen", &address]));
    assert_eq!(run.exit, 2, "{}", run.stderr);
    assert!(run.stderr.contains("--port") || run.stderr.contains("--listen"), "{}", run.stderr);
    assert_eq!(run.stderr.trim().lines().count(), 1, "{}", run.stderr);
}

#[test]
fn it_announces_nobody_else() {
    let home = tempfile::tempdir().expect("a folder");
    let other = "/dns4/node.example.org/tcp/4011/p2p/12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";
    let run = program::run(program::command(home.path(), ["listen", "--ephemeral", "--port", "0", "--announce", other]));
    assert_eq!(run.exit, 2, "{}", run.stderr);
    assert!(run.stderr.contains("another peer"), "{}", run.stderr);
}

#[test]
fn errors_say_things_once() {
    let home = tempfile::tempdir().expect("a folder");
    let run = program::run(program::command(home.path(), ["listen", "--ephemeral", "--listen", "/ip4/203.0.113.7/tcp/0"]));
    assert_eq!(run.exit, 2, "{}", run.stderr);
    assert_eq!(run.stderr.matches("os error").count(), 1, "{}", run.stderr);
}

#[test]
fn it_dials_itself() {
    let home = tempfile::tempdir().expect("a folder");
    let run = program::run(program::command(home.path(), ["dial", "--self", "--format", "json"]));
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(run.exit, 0, "{report}");
    assert_eq!(rules::faults(&report, 0), Vec::<String>::new(), "{report}");
    assert_eq!((&report["target"]["kind"], &report["verdict"]["code"]), (&"self".into(), &"reachable".into()));
    for transport in ["tcp", "ws", "quic"] {
        assert_eq!(report["transports"][transport], "passed", "{report}");
    }
}
