//! What a caller may set, read from a JS object.

use std::{fmt::Display, net::IpAddr, str::FromStr, time::Duration};

use js_sys::{Array, Error, Reflect};
use p2p_probe::model::{Family, Micros, Options, RuntimeKind, Security, Transport, bounds};
use strum::IntoEnumIterator as _;
use wasm_bindgen::{JsCast, JsValue};

use crate::{
    JsTransport,
    names::Names,
    platform::{get, kind},
    transport,
};

/// How much of a wrong value is repeated, in characters.
const QUOTED: usize = 100;

/// What a caller asked for.
pub(crate) struct Asked {
    pub(crate) options: Options,
    pub(crate) transport: JsTransport,
    /// What looks names up; none where only the platform can.
    pub(crate) names: Option<Names>,
    /// An `AbortSignal`, or undefined.
    pub(crate) signal: JsValue,
    /// An address of this machine for each family that has one, where the caller knows.
    pub(crate) sources: Option<Vec<IpAddr>>,
}

/// Reads what a caller asks for. The error says what cannot be meant.
pub(crate) fn read(asked: &JsValue) -> Result<Asked, JsValue> {
    let transport = transport::transport(get(asked, "transport"))
        .ok_or_else(|| usage("options.transport has to be a transport of js/contract.js"))?;
    let defaults = Options::default();
    let options = Options {
        transports: list(asked, "transports", |text| one_of("transports", &text, &transports()))?,
        family: value(asked, "family").map(|value| family("family", &value)).transpose()?,
        security: security(asked)?,
        webrtc: text(asked, "webrtc")?.map(|text| one_of("webrtc", &text, &["v1", "v2", "both"])).transpose()?,
        learn_certhash: flag(asked, "learnCerthash", defaults.learn_certhash)?,
        announced: flag(asked, "announced", defaults.announced)?,
        punch: defaults.punch,
        private: flag(asked, "private", defaults.private)?,
        timeout_ms: time(asked, "timeout", defaults.timeout_ms)?,
        deadline_ms: time(asked, "deadline", defaults.deadline_ms)?,
        pings: count(asked, "pings", 0..=bounds::MOST_PINGS, defaults.pings)?,
        ping_interval_ms: pause(asked)?,
        concurrency: count(asked, "concurrency", 1..=bounds::MOST_AT_ONCE, defaults.concurrency)?,
        redacted: flag(asked, "redact", defaults.redacted)?,
    };
    let sources = match kind() {
        RuntimeKind::Node => list(asked, "sources", |text| address(&text))?,
        RuntimeKind::Browser | RuntimeKind::Native => None,
    };
    let names = value(asked, "names").map(Names::new);
    Ok(Asked { options, transport, names, signal: get(asked, "signal"), sources })
}

/// An error of whoever called: a sentence.
pub(crate) fn usage(sentence: impl Display) -> JsValue {
    let error = Error::new(&sentence.to_string());
    error.set_name("UsageError");
    error.into()
}

/// An error of whoever set a member: the sentence `options.{name} {words}`. The two are members of the error as well, for who
/// knows the member by another name.
fn wrong(name: &str, words: impl Display) -> JsValue {
    let words = words.to_string();
    let error = usage(format!("options.{name} {words}"));
    for (member, value) in [("option", name), ("words", &words)] {
        // A fresh error takes members.
        let _ = Reflect::set(&error, &member.into(), &value.into());
    }
    error
}

/// What a member was set to, as it is written in JavaScript.
fn written(value: &JsValue) -> String {
    match value.as_string() {
        Some(text) => format!("\"{}\"", text.chars().take(QUOTED).collect::<String>()),
        None => value.as_f64().map_or_else(|| "that".to_owned(), |number| number.to_string()),
    }
}

/// A member that is set.
fn value(asked: &JsValue, name: &str) -> Option<JsValue> {
    let value = get(asked, name);
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

fn text(asked: &JsValue, name: &str) -> Result<Option<String>, JsValue> {
    let text = |value: JsValue| value.as_string().ok_or_else(|| wrong(name, "has to be a text"));
    value(asked, name).map(text).transpose()
}

fn flag(asked: &JsValue, name: &str, otherwise: bool) -> Result<bool, JsValue> {
    let flag = |value: JsValue| value.as_bool().ok_or_else(|| wrong(name, "has to be true or false"));
    value(asked, name).map_or(Ok(otherwise), flag)
}

fn list<T>(asked: &JsValue, name: &str, read: impl Fn(String) -> Result<T, JsValue>) -> Result<Option<Vec<T>>, JsValue> {
    let Some(value) = value(asked, name) else { return Ok(None) };
    let texts = value.dyn_into::<Array>().map_err(|_| wrong(name, "has to be a list"))?;
    texts.iter().map(|text| read(text.as_string().unwrap_or_default())).collect::<Result<_, _>>().map(Some)
}

/// One of several words.
fn one_of<T: FromStr>(name: &str, text: &str, words: &[&str]) -> Result<T, JsValue> {
    let known = words.contains(&text).then(|| text.parse().ok()).flatten();
    known.ok_or_else(|| wrong(name, format!("takes {}, not {}", words.join(", "), written(&text.into()))))
}

fn transports() -> Vec<&'static str> {
    Transport::iter().map(<&str>::from).collect()
}

fn address(text: &str) -> Result<IpAddr, JsValue> {
    text.parse().map_err(|_| wrong("sources", format!("takes IP addresses, not {}", written(&text.into()))))
}

/// `/noise` alone is there: TLS needs more than a page has.
fn security(asked: &JsValue) -> Result<Option<Security>, JsValue> {
    match text(asked, "security")?.as_deref() {
        Some("tls") => Err(wrong("security", "takes noise: this runtime has no /tls, the program for the terminal has")),
        Some(text) => one_of("security", text, &["noise"]).map(Some),
        None => Ok(None),
    }
}

fn family(name: &str, value: &JsValue) -> Result<Family, JsValue> {
    match value.as_string().or_else(|| value.as_f64().map(|number| number.to_string())).as_deref() {
        Some("4" | "ipv4") => Ok(Family::Ipv4),
        Some("6" | "ipv6") => Ok(Family::Ipv6),
        _ => Err(wrong(name, format!("takes 4 or 6, not {}", written(value)))),
    }
}

/// A time: a text with its unit, or a number of milliseconds under the name with `Ms` behind it.
fn time(asked: &JsValue, name: &str, otherwise: Micros) -> Result<Micros, JsValue> {
    if let Some(text) = text(asked, name)? {
        return bounds::time(&text).map(Micros::from).map_err(|error| not_a_time(name, &text, &error));
    }
    let Some(value) = value(asked, &format!("{name}Ms")) else { return Ok(otherwise) };
    let time = value.as_f64().and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    let time = time.filter(|time| (bounds::SHORTEST..=bounds::LONGEST).contains(time));
    let range = || format!("is a number of milliseconds, 1 to {}", bounds::LONGEST.as_millis());
    time.map(Micros::from).ok_or_else(|| wrong(&format!("{name}Ms"), range()))
}

/// The wait between two pings: a text with its unit, or milliseconds.
fn pause(asked: &JsValue) -> Result<Micros, JsValue> {
    if let Some(text) = text(asked, "pingInterval")? {
        return bounds::pause(&text).map(Micros::from).map_err(|error| not_a_time("pingInterval", &text, &error));
    }
    let Some(value) = value(asked, "pingIntervalMs") else { return Ok(Micros(0)) };
    let pause = value.as_f64().and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
    let range = || format!("is a number of milliseconds, 0 to {}", bounds::LONGEST_PAUSE.as_millis());
    pause.filter(|pause| *pause <= bounds::LONGEST_PAUSE).map(Micros::from).ok_or_else(|| wrong("pingIntervalMs", range()))
}

/// A text that is no time, and why.
fn not_a_time(name: &str, text: &str, why: &str) -> JsValue {
    wrong(name, format!("takes no {}: {why}", written(&text.into())))
}

fn count(asked: &JsValue, name: &str, range: std::ops::RangeInclusive<u32>, otherwise: u32) -> Result<u32, JsValue> {
    let Some(value) = value(asked, name) else { return Ok(otherwise) };
    let whole = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
    let whole = whole.map(|number| number as u32).filter(|number| range.contains(number));
    let words = || format!("takes a whole number from {} to {}, not {}", range.start(), range.end(), written(&value));
    whole.ok_or_else(|| wrong(name, words()))
}
