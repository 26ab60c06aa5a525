//! What it comes to, who it is, and what would help.

use maud::{Markup, html};
use strum::IntoEnumIterator as _;

use super::{Page, said};
use crate::model::{Advice, Transport, TransportStatus, VerdictCode};

/// How much of an agent version is shown, in characters: a peer may send any.
const AGENT: usize = 64;

impl Page<'_> {
    pub(super) fn headline(&self) -> Markup {
        let report = self.report;
        let (mark, class, brief) = self.mark();
        let peer = report.expected_peer();
        let agent: Option<String> = peer.and_then(|peer| peer.agent.as_deref()).map(|agent| agent.chars().take(AGENT).collect());
        html! {
            header class={ "verdict " (class) } {
                h2.words { span.mark aria-hidden="true" { (mark) } " " (said(brief)) }
                @if let Some(verdict) = &report.verdict { p.summary { (said(&verdict.summary)) } }
                p.target {
                    code { (said(&report.target.input)) }
                    @if let Some(id) = peer.map(|peer| &peer.id).or(report.target.peer.as_ref()).filter(|id| !report.target.input.contains(*id)) {
                        " " code.peer { (said(id)) }
                    }
                    @if let Some(agent) = &agent { " " span.agent { (said(agent)) } }
                }
                (self.transports())
                @if let Some(verdict) = &report.verdict { @if !verdict.hints.is_empty() {
                    ul.hints aria-label="What would help" {
                        @for hint in &verdict.hints { li { (advice(hint, hint.code.code())) } }
                    }
                } }
                p.run { (self.run()) }
            }
        }
    }

    fn mark(&self) -> (&'static str, &'static str, &str) {
        let Some(verdict) = &self.report.verdict else {
            return if self.report.started.0.is_empty() { ("?", "warn", "nothing yet") } else { ("…", "busy", "running") };
        };
        let brief = verdict.code.brief();
        match (verdict.ok, &verdict.code) {
            (Some(true), VerdictCode::PartlyReachable) => ("◐", "warn", brief),
            (Some(true), _) => ("✔", "good", brief),
            (Some(false), _) => ("✘", "bad", brief),
            (None, _) => ("?", "warn", brief),
        }
    }

    /// One word for each transport, once the run has ended.
    fn transports(&self) -> Markup {
        let told = |transport: &Transport| {
            !matches!(self.report.transports.get(*transport), TransportStatus::NotOffered | TransportStatus::Unknown)
        };
        let word = |transport: Transport| match self.report.transports.get(transport) {
            TransportStatus::Passed => ("✔", "good", "works"),
            TransportStatus::Failed => ("✘", "bad", "fails"),
            TransportStatus::Skipped => ("–", "dim", "left out"),
            TransportStatus::Unsupported => ("–", "dim", "not possible here"),
            TransportStatus::Unknown => ("?", "warn", "not told"),
            TransportStatus::NotOffered => ("–", "dim", "not offered"),
        };
        html! {
            @if self.report.verdict.is_some() && Transport::iter().any(|transport| told(&transport)) {
                ul.transports aria-label="Transports" {
                    @for transport in Transport::iter().filter(told) {
                        @let (mark, class, words) = word(transport);
                        li class=(class) { span aria-hidden="true" { (mark) } " " strong { (transport) } " " span.state { (words) } }
                    }
                }
            }
        }
    }

    /// Where, when and by what the report was made.
    fn run(&self) -> Markup {
        let tool = &self.report.tool;
        html! {
            @if !self.report.started.0.is_empty() {
                (said(&tool.name)) " " (said(&tool.version)) ", "
                @match tool.runtime {
                    crate::model::RuntimeKind::Native => { "from a terminal" }
                    crate::model::RuntimeKind::Browser => { "from a page" }
                    crate::model::RuntimeKind::Node => { "from Node" }
                }
                ", " time datetime=(said(&self.report.started.0)) { (said(&self.report.started.0)) }
                @if self.report.verdict.is_some() { ", " (self.report.elapsed_ms) " ms" }
                @if self.report.verdict.is_some() && !self.report.complete { ", not complete" }
                @if self.report.options.redacted { ", addresses replaced" }
                @if let Some(agent) = &tool.user_agent { br; span.browser { (said(agent)) } }
            }
        }
    }

    pub(super) fn warnings(&self) -> Markup {
        let warnings = self.report.verdict.iter().flat_map(|verdict| &verdict.warnings);
        html! {
            @if self.report.verdict.as_ref().is_some_and(|verdict| !verdict.warnings.is_empty()) {
                section.warnings aria-labelledby=(self.id("warnings")) {
                    h2 id=(self.id("warnings")) { "Warnings" }
                    ul { @for warning in warnings { li { (advice(warning, warning.code.code())) } } }
                }
            }
        }
    }
}

/// A sentence of advice; addresses and commands stand on lines of their own, ready to be copied.
pub(super) fn advice<C>(advice: &Advice<C>, code: &str) -> Markup {
    let told =
        |address: &str| [Some(&advice.text), advice.command.as_ref()].into_iter().flatten().any(|said| said.contains(address));
    html! {
        (said(&advice.text)) " " code.code { (said(code)) }
        @if let Some(address) = advice.address.as_ref().filter(|address| !told(address)) { code.copy { (said(address)) } }
        @if let Some(command) = &advice.command { code.copy { (said(command)) } }
    }
}
