//! `dial`: one run, from its arguments to its report.

use std::{path::Path, pin::pin, rc::Rc};

use anyhow::Context as _;
use futures::{
    FutureExt as _, StreamExt as _,
    channel::oneshot,
    future::{LocalBoxFuture, pending},
};

use super::{
    Exit,
    args::{Common, DialArgs, Format},
    exit,
    output::Output,
    progress::Progress,
    signals::Signals,
};
use crate::{
    engine::{self, Events, Job},
    identity,
    model::{Event, Fact, Options, Report, Source, Target, TargetKind},
    nat::measure::{self, Tests},
    native::{Native, Settings},
    node::{Config, Node},
    redact::Redactor,
    render::{self, html, json},
    target,
};

pub(super) fn dial(args: &DialArgs, common: &Common) -> anyhow::Result<Exit> {
    if let Some(contradiction) = args.contradiction() {
        anyhow::bail!(contradiction);
    }
    let options = args.options();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let (job, node) =
        if args.own { tokio.block_on(async { own(options.clone()) })? } else { (job(args, options.clone())?, None) };
    let identity = args.identity.as_deref().map(identity::load).transpose()?;
    let settings = Settings { resolver: args.resolver, bind: args.bind, identity };
    let view = View::new(args.report.format, args.report.output.as_deref(), &options, common)?;
    let done = tokio.block_on(async {
        let native = Native::new(settings);
        let run = |stop: Stop| {
            if args.nat {
                measure::beside(native.clone(), job, Tests::default(), stop)
            } else {
                engine::run(Rc::new(native.clone()), job, stop)
            }
        };
        let done = watch(view, run, node).await;
        finish(done, &native, common).await
    });
    // A look-up that hangs in a thread does not hold up the report.
    tokio.shutdown_background();
    let Some((report, interrupted)) = done? else { return Ok(Exit::Interrupted) };
    Ok(exit(&report, args.strict, interrupted))
}

/// The report of what was watched, and then what is still to be done, which it does not wait for: ports that are still mapped.
pub(super) async fn finish(
    done: anyhow::Result<Option<(View, bool)>>,
    native: &Native,
    common: &Common,
) -> anyhow::Result<Option<(Report, bool)>> {
    let report = done.and_then(|done| done.map(|(view, interrupted)| Ok((view.finish(common)?, interrupted))).transpose());
    native.farewell().await;
    report
}

fn job(args: &DialArgs, options: Options) -> anyhow::Result<Job> {
    let (target, addresses) = target::parse(args.target.as_deref().unwrap_or_default())?;
    Ok(Job { target, addresses, source: Source::Target, options })
}

/// A node in this process, and the job to dial it.
fn own(options: Options) -> anyhow::Result<(Job, Option<Node>)> {
    let config = Config::loopback();
    let peer = config.identity.public().to_peer_id().to_base58();
    let node = Node::bind(config).context("cannot start a node to dial")?;
    let target = Target { kind: TargetKind::Own, input: "--self".into(), peer: Some(peer) };
    Ok((Job { target, addresses: node.addresses(), source: Source::Own, options }, Some(node)))
}

/// Serves until it is dropped.
async fn serve(node: Option<Node>) {
    match node {
        Some(node) => drop(node.run(|_, _| (), pending()).await),
        None => pending().await,
    }
}

/// Ends a run.
pub(super) type Stop = LocalBoxFuture<'static, ()>;

/// The view of a run with all its events, and whether a signal ended it; `None` when a second one ended it at once.
pub(super) async fn watch(
    mut view: View,
    run: impl FnOnce(Stop) -> Events,
    node: Option<Node>,
) -> anyhow::Result<Option<(View, bool)>> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let (stop, stopped) = oneshot::channel::<()>();
    let mut stop = Some(stop);
    let mut events = pin!(run(Box::pin(async {
        // The sender lives as long as the run.
        let _ = stopped.await;
    })));
    let mut serving = pin!(serve(node).fuse());
    let mut interrupted = false;
    loop {
        tokio::select! {
            biased;
            () = signals.next() => match stop.take() {
                // The run ends by itself once nothing is left to be sent.
                Some(stop) => interrupted = stop.send(()).is_ok(),
                None => return Ok(None),
            },
            event = events.next() => match event {
                Some(event) => view.apply(&event)?,
                None => return Ok(Some((view, interrupted))),
            },
            () = &mut serving => {}
        }
    }
}

/// What is seen of a run: all of it is made from the events, redacted where that is asked for.
pub(super) struct View {
    format: Format,
    output: Output,
    redactor: Option<Redactor>,
    progress: Option<Progress>,
    report: Report,
}

impl View {
    /// A view that writes there, opened before anything is dialed.
    pub(super) fn new(format: Format, path: Option<&Path>, options: &Options, common: &Common) -> anyhow::Result<Self> {
        Ok(Self {
            format,
            output: Output::open(path)?,
            redactor: options.redacted.then(Redactor::default),
            progress: Progress::on_stderr(common.quiet),
            report: Report::default(),
        })
    }

    fn apply(&mut self, event: &Event) -> anyhow::Result<()> {
        let redacted = self.redactor.as_mut().map(|redactor| redactor.apply(event)).transpose();
        let redacted = redacted.context("cannot redact an event")?;
        let event = redacted.as_ref().unwrap_or(event);
        tracing::debug!(t_ms = event.t_ms.as_ms(), fact = ?event.fact);
        self.report.apply(event);
        if let Some(progress) = &mut self.progress {
            progress.show(&self.report);
        }
        if self.format == Format::Ndjson {
            self.output.write(&json::line(event)?)?;
        }
        Ok(())
    }

    /// Writes the report; the progress is gone by then.
    pub(super) fn finish(mut self, common: &Common) -> anyhow::Result<Report> {
        drop(self.progress.take());
        let bytes = match self.format {
            Format::Text => render::text(&self.report, &self.output.style(common)).into_bytes(),
            Format::Json => json::pretty(&self.report)?,
            Format::Html => html::page(&html::report(&self.report)).into_bytes(),
            Format::Ndjson => json::line(&last(&self.report))?,
        };
        self.output.write(&bytes)?;
        self.output.finish()?;
        Ok(self.report)
    }
}

/// The last line of NDJSON.
fn last(report: &Report) -> Event {
    Event { t_ms: report.elapsed_ms, run: 0, fact: Fact::Report { report: Box::new(report.clone()) } }
}
