//! Two reports beside each other, for JavaScript.

use p2p_probe::{
    compare::{self, compare as of},
    render::{self, Style, json},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{Report, report::text_of};

/// What comes out of two reports.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Comparison(compare::Comparison);

/// Compares two reports: which transports work from where, and why the difference.
#[wasm_bindgen]
#[must_use]
pub fn compare(a: &Report, b: &Report) -> Comparison {
    Comparison(of(&a.0, &b.0))
}

#[wasm_bindgen]
impl Comparison {
    /// Whether the same transports work from both; undefined where there is nothing to compare.
    #[wasm_bindgen(getter)]
    pub fn same(&self) -> Option<bool> {
        self.0.same
    }

    /// As indented JSON, as `compare --format json` writes it.
    pub fn json(&self) -> Result<String, JsValue> {
        text_of(json::pretty(&self.0))
    }

    /// For people, in plain text; the names are what the reports are called.
    pub fn text(&self, a: &str, b: &str) -> String {
        render::comparison(&self.0, [a, b], &Style::PLAIN)
    }

    /// As a part of a page.
    pub fn html(&self, a: &str, b: &str) -> String {
        render::html::comparison(&self.0, [a, b])
    }
}
