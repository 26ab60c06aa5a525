//! A report for JavaScript: folded from events or read from a file, and written in every form.

use std::time::Duration;

use p2p_probe::{
    model::{self, Event, Fact, Micros},
    render::{self, Style, json},
    saved,
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{options::usage, panic};

/// Widest and narrowest text, as on the command line.
const WIDTHS: (usize, usize) = (40, 80);

/// A report, see the report format.
#[wasm_bindgen]
#[derive(Clone, Debug, Default)]
pub struct Report(pub(crate) model::Report);

#[wasm_bindgen]
impl Report {
    /// An empty one, for events to be folded into.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, JsValue> {
        panic::guard()?;
        Ok(Self::default())
    }

    /// Reads a saved report, of whatever runtime: JSON, or the lines of NDJSON.
    #[wasm_bindgen(js_name = fromJson)]
    pub fn from_json(text: &str) -> Result<Self, JsValue> {
        panic::guard()?;
        let report = saved::read(text.as_bytes()).map_err(|error| usage(format!("the text {error}")))?;
        Ok(Self(report))
    }

    /// Folds an event, a line of NDJSON.
    pub fn apply(&mut self, event: &str) -> Result<(), JsValue> {
        panic::guard()?;
        let event: Event = serde_json::from_slice(event.as_bytes())
            .map_err(|error| usage(format!("this is not an event of p2p-probe: {error}")))?;
        self.0.apply(&event);
        Ok(())
    }

    /// The report as indented JSON, as `--format json` writes it.
    pub fn json(&self) -> Result<String, JsValue> {
        text_of(json::pretty(&self.0))
    }

    /// The last line of `--format ndjson`: the report as an event.
    pub fn line(&self) -> Result<String, JsValue> {
        let fact = Fact::Report { report: Box::new(self.0.clone()) };
        text_of(json::line(&Event { t_ms: self.0.elapsed_ms, run: 0, fact }))
    }

    /// The report for people, in so many columns.
    pub fn text(&self, width: Option<u32>, color: Option<bool>) -> String {
        let width = width.map_or(WIDTHS.1, |width| (width as usize).clamp(WIDTHS.0, WIDTHS.1));
        render::text(&self.0, &Style { color: color.unwrap_or(false), width })
    }

    /// The report as a part of a page. Where several stand on one, each has a prefix for its `id`s. What still runs is drawn as
    /// far as `now_ms`, in milliseconds since the run began: between two events time goes by as well.
    pub fn html(&self, prefix: Option<String>, now_ms: Option<f64>) -> String {
        let prefix = prefix.unwrap_or_default();
        let now = now_ms.and_then(|now| Duration::try_from_secs_f64(now / 1000.0).ok()).map(Micros::from);
        match now.filter(|now| self.0.verdict.is_none() && *now > self.0.elapsed_ms) {
            Some(now) => {
                let mut report = self.0.clone();
                report.elapsed_ms = now;
                render::html::beside(&report, &prefix)
            }
            None => render::html::beside(&self.0, &prefix),
        }
    }

    /// What a program ends with after this report. With `strict` any failed attempt counts.
    #[wasm_bindgen(js_name = exitCode)]
    pub fn exit_code(&self, strict: bool, interrupted: bool) -> u8 {
        model::exit(&self.0, strict, interrupted).code()
    }
}

pub(crate) fn text_of(bytes: serde_json::Result<Vec<u8>>) -> Result<String, JsValue> {
    let bytes = bytes.map_err(|error| usage(format!("this cannot be written as JSON: {error}")))?;
    String::from_utf8(bytes).map_err(usage)
}
