//! From the start of the process to its first packet, as the peer sees it: starting a process is part of it.

use crate::{
    measure::{median, milliseconds, wall},
    ours,
    table::{Row, Target, Unit},
};
use anyhow::Context as _;
use socket2::SockRef;
use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const WARM_UP: usize = 3;
const RUNS: usize = 51;
const TARGET: Target = Target::AtMost(3.0);
/// A process that has sent nothing by then never will.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    SockRef::from(&listener).set_read_timeout(Some(PATIENCE))?;
    let tcp = format!("/ip4/127.0.0.1/tcp/{}", listener.local_addr()?.port());
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let quic = format!("/ip4/127.0.0.1/udp/{}/quic-v1", socket.local_addr()?.port());

    let (mut nothing, mut connected, mut datagram) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..WARM_UP + RUNS {
        let times = (
            wall(Command::new("true"))?,
            to(&tcp, || listener.accept().map(drop))?,
            to(&quic, || socket.recv(&mut [0; 2048]).map(drop))?,
        );
        if run >= WARM_UP {
            nothing.push(times.0);
            connected.push(times.1);
            datagram.push(times.2);
        }
    }
    let nothing = median(nothing)?;
    let row = |name: &str, time| Row::new(name, time, Unit::Milliseconds, TARGET).beside(nothing);
    Ok(vec![
        row("tcp: start to first packet (beside: `true`, start to end)", median(connected)?),
        row("quic: start to first packet (beside: `true`)", median(datagram)?),
    ])
}

/// Starts a dial to this address and takes the time until its packet is there.
fn to(address: &str, packet: impl FnOnce() -> std::io::Result<()>) -> anyhow::Result<f64> {
    let mut command = ours::command(["dial", address, "--no-announced", "--timeout", "1s"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().context("cannot run p2p-probe")?;
    let arrived = packet();
    let time = begin.elapsed();
    // What it does afterwards does not matter; it may have ended by itself.
    let _ = child.kill();
    child.wait()?;
    arrived.with_context(|| format!("nothing arrived at {address}"))?;
    Ok(milliseconds(time))
}
