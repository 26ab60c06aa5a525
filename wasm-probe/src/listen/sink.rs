//! Whom events are told.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::Function;
use p2p_probe::{
    inbound::{self, Lines},
    model::{Event, Fact, Report},
    render::{Style, json},
};
use wasm_bindgen::JsValue;

use crate::report::text_of;

/// Takes each event.
pub(super) type Tell = Box<dyn FnMut(&Event, &Report)>;

/// The function of the host that is called with each event.
#[derive(Clone)]
pub(super) struct Sink {
    on_event: Function,
    lines: Rc<RefCell<Lines>>,
    /// What it threw: then the node ends.
    thrown: Rc<Cell<Option<JsValue>>>,
}

impl Sink {
    pub(super) fn new(on_event: Function) -> Self {
        Self { on_event, lines: Rc::default(), thrown: Rc::default() }
    }

    /// What a [`inbound::Host`] calls.
    pub(super) fn tell(&self) -> Tell {
        let sink = self.clone();
        Box::new(move |event, report| {
            let text = sink.text(event, report);
            let told =
                text_of(json::line(event)).and_then(|json| sink.on_event.call2(&JsValue::NULL, &json.into(), &text.into()));
            if let Err(error) = told {
                sink.thrown.set(Some(error));
            }
        })
    }

    /// What it threw since this was last asked.
    pub(super) fn failure(&self) -> Result<(), JsValue> {
        self.thrown.take().map_or(Ok(()), Err)
    }

    /// A line for people, where an event is worth one and not one too many.
    fn text(&self, event: &Event, report: &Report) -> Option<String> {
        let attempt = match &event.fact {
            Fact::Listening { address } => return Some(format!("{address}\n")),
            Fact::AttemptPlanned { attempt, why: Some(_), .. } | Fact::AttemptEnded { attempt, .. } => {
                report.attempt(*attempt)?
            }
            _ => return None,
        };
        let line = || inbound::dialer_line(attempt, report.peers.first(), Style::PLAIN);
        self.lines.borrow_mut().next(event.t_ms.into(), line)
    }

    /// The last line for people: how many were left out.
    pub(super) fn rest(&self) -> Option<String> {
        self.lines.borrow_mut().rest()
    }
}
