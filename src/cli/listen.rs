//! `listen`: a node to be dialed, from its arguments to its summary.

use std::{
    cell::RefCell,
    io::{self, Write as _},
};

use anyhow::Context as _;
use futures::{channel::oneshot, future::pending};
use libp2p_identity::Keypair;

use super::{
    Exit,
    args::{Common, ListenArgs, ListenFormat},
    output::Output,
    signals::Signals,
};
use crate::{
    identity::{self, IdentityError},
    inbound::Lines,
    model::{Event, Fact, Report, UDP_RECEIVE_BUFFER},
    nat::relay::RelayLimits,
    native::network,
    node::{
        self, Certificate, Config, Node, Tally, dialer_line,
        page::{ASSETS, PORT_OFFSET, Page, Seen, Where},
    },
    render::{Style, clean, json},
    target,
    transport::webrtc_direct,
};

pub(super) fn listen(args: &ListenArgs, common: &Common) -> anyhow::Result<Exit> {
    if args.page_addr.is_some() {
        super::page::is_built()?;
    }
    let config = config(args, common)?;
    let output = Output::open(None)?;
    let view = View { format: args.format, style: output.style(common), output, lines: Lines::default() };
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let tally = tokio.block_on(serve(config, page(args), view))?;
    note(common, &tally.to_string());
    Ok(Exit::Good)
}

fn config(args: &ListenArgs, common: &Common) -> anyhow::Result<Config> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(chain), Some(key)) => Some(Certificate::load(chain, key)?),
        _ => None,
    };
    let listen = match args.listen.as_slice() {
        [] => node::everywhere(args.port, tls.is_some()),
        named => named.to_vec(),
    };
    let (identity, webrtc) = keypair(args, common)?;
    let us = identity.public().to_peer_id();
    if let Some(other) = args.announce.iter().find(|address| target::named_peer(address).is_some_and(|peer| peer != us)) {
        anyhow::bail!("--announce {other} names another peer than this one, {us}; leave its /p2p part out");
    }
    let limits = RelayLimits { circuit_time: args.relay_time, circuit_bytes: args.relay_bytes, ..RelayLimits::default() };
    let (relay, via) = (args.relay.then_some(limits), args.via.clone());
    Ok(Config {
        tls,
        webrtc,
        announce: args.announce.clone(),
        relay,
        via,
        partner: args.partner.clone(),
        ..Config::new(listen, identity)
    })
}

/// Where the page is served: after the ports of the node, for this machine alone, unless another place is named.
fn page(args: &ListenArgs) -> Option<Where> {
    let port = if args.port == 0 { 0 } else { args.port + PORT_OFFSET };
    let at = args.page_addr.map_or(Where::Loopback(port), Where::At);
    // A program without the page has nothing to serve.
    (!args.no_page && !ASSETS.is_empty()).then_some(at)
}

/// The identity and its certificate: the kept ones, which are made at first use, unless others are asked for.
fn keypair(args: &ListenArgs, common: &Common) -> anyhow::Result<(Keypair, Option<webrtc_direct::Certificate>)> {
    if args.ephemeral {
        return Ok((Keypair::generate_ed25519(), None));
    }
    let path = args.identity.clone().map_or_else(identity::default_path, Ok).map_err(advised)?;
    let keypair = identity::load_or_create(&path).map_err(advised)?;
    if identity::exposed(&path) {
        note(common, &format!("others than you can read the private key in {}", path.display()));
    }
    let certificate = identity::webrtc_certificate(&path).map_err(advised)?;
    Ok((keypair, Some(certificate)))
}

/// A key that cannot be kept, and what can be done without.
fn advised(error: IdentityError) -> anyhow::Error {
    let no_place = matches!(error, IdentityError::Read { .. } | IdentityError::Write { .. } | IdentityError::NoHome);
    let error = anyhow::Error::from(error);
    if no_place {
        anyhow::anyhow!("{error:#}; name another file by --identity, or take a fresh key by --ephemeral")
    } else {
        error
    }
}

/// Serves until a signal, or until what it writes cannot be written any more.
async fn serve(config: Config, page: Option<Where>, view: View) -> anyhow::Result<Tally> {
    let tls = config.tls.clone();
    let mut node = Node::bind(config)?;
    let seen = Seen::default();
    let page = page.map(|at| Page::bind(at, tls, &node.addresses(), seen.clone())).transpose()?;
    if let Some(page) = &page {
        node = node.with_pages(page.urls());
    }
    if let Some(buffer) = network::udp_receive_buffer().filter(|buffer| *buffer < UDP_RECEIVE_BUFFER) {
        tracing::warn!(
            "this system limits a UDP receive buffer to {buffer} bytes, less than QUIC wants under load: \
             sysctl -w net.core.rmem_max={UDP_RECEIVE_BUFFER}"
        );
    }
    let watched = page.is_some();
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let (unwritable, given_up) = oneshot::channel();
    let view = RefCell::new((view, Some(unwritable)));
    let sink = |event: &Event, report: &Report| {
        if watched {
            seen.apply(event, report);
        }
        let (view, unwritable) = &mut *view.borrow_mut();
        if let Err(end) = view.apply(event, report)
            && let Some(unwritable) = unwritable.take()
        {
            // The node ends together with the receiver.
            let _ = unwritable.send(end);
        }
    };
    let mut failed = None;
    let stop = async {
        tokio::select! {
            () = signals.next() => {}
            end = given_up => failed = end.ok().flatten(),
        }
    };
    let pages = async {
        match page {
            Some(page) => page.run().await,
            None => pending().await,
        }
    };
    let tally = tokio::select! {
        tally = node.run(sink, stop) => tally,
        () = pages => anyhow::bail!("the page has ended"),
    };
    view.borrow_mut().0.finish();
    failed.map_or(Ok(tally), Err)
}

/// A line for whoever sits at the terminal.
pub(super) fn note(common: &Common, words: &str) {
    if !common.quiet {
        // Without stderr there is nobody to tell.
        let _ = writeln!(io::stderr(), "{}", clean(words));
    }
}

/// What is seen of the dialers.
struct View {
    format: ListenFormat,
    style: Style,
    output: Output,
    lines: Lines,
}

impl View {
    /// Writes what is to be seen of an event. The error is why nothing can be written any more; none when nobody reads it.
    fn apply(&mut self, event: &Event, report: &Report) -> Result<(), Option<anyhow::Error>> {
        tracing::debug!(t_ms = event.t_ms.as_ms(), fact = ?event.fact);
        let bytes = match self.format {
            ListenFormat::Ndjson => json::line(event).map_err(|error| Some(error.into()))?,
            ListenFormat::Text => self.text(event, report).into_bytes(),
        };
        if bytes.is_empty() {
            return Ok(());
        }
        self.output.write(&bytes).map_err(Some)?;
        if self.output.abandoned() { Err(None) } else { Ok(()) }
    }

    fn text(&mut self, event: &Event, report: &Report) -> String {
        let about = match &event.fact {
            Fact::Listening { address } => return format!("{}\n", clean(address)),
            Fact::Page { url } => return format!("page {}\n", clean(url)),
            Fact::AttemptPlanned { attempt, why: Some(_), .. } | Fact::AttemptEnded { attempt, .. } => report.attempt(*attempt),
            _ => None,
        };
        let Some(attempt) = about else { return String::new() };
        let line = || dialer_line(attempt, report.peers.first(), self.style);
        self.lines.next(event.t_ms.into(), line).unwrap_or_default()
    }

    /// What was left out at last.
    fn finish(&mut self) {
        if let Some(rest) = self.lines.rest() {
            // It is the end anyway.
            let _ = self.output.write(rest.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attempt, Cause, Direction, Found, Micros, Outcome, Source, Stage, StageName, Transport};

    #[test]
    fn a_dialer_is_one_line() {
        let cause = Cause::NotLibp2p { speaks: Some("SSH".into()) };
        let mut stage = Stage::begun(StageName::Secure, None, Micros(0));
        stage.outcome = Outcome::failed(cause.clone());
        stage.found = Found::default();
        let attempt = Attempt {
            id: 1,
            direction: Direction::Inbound,
            source: Source::Own,
            transport: Some(Transport::Tcp),
            address: "/ip4/127.0.0.1/tcp/4011".into(),
            remote: Some("/ip4/203.0.113.7/tcp/51344".into()),
            names: vec![],
            version: None,
            outcome: Outcome::failed(cause),
            start_ms: Some(Micros(0)),
            elapsed_ms: Some(Micros(1234)),
            stages: vec![stage],
        };
        let written = dialer_line(&attempt, None, Style::PLAIN);
        assert_eq!(written, "✘ tcp  /ip4/203.0.113.7/tcp/51344  spoke SSH, not libp2p  1.2 ms\n");
    }
}
