//! Names in DNS, looked up by the host (`js/names.js`).

use std::net::IpAddr;

use futures::future::join;
use js_sys::{Array, Promise};
use p2p_probe::{
    engine::{Fault, LookedUp},
    model::{Cause, Found},
    plan::{ADDRESS_LIMIT, Lookup, Record, Records},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::{
    error,
    platform::{get, method},
};

/// A JS object that looks names up.
pub(crate) struct Names(JsValue);

impl Names {
    pub(crate) fn new(object: JsValue) -> Self {
        Self(object)
    }

    /// Looks a name up: its records, or the typed cause.
    pub(crate) async fn look_up(&self, lookup: &Lookup) -> LookedUp {
        let mut found = Found { resolver: get(&self.0, "server").as_string(), ..Found::default() };
        let records = self.ask(lookup).await.and_then(|texts| {
            let shown = texts.iter().filter(|text| read(lookup, text).is_some()).take(Lookup::RECORDS_SHOWN);
            let shown: Vec<String> = shown.map(|text| text.chars().take(Lookup::RECORD_LENGTH).collect()).collect();
            found.records = (!shown.is_empty()).then_some(shown);
            // One more than the limit, so that the plan sees that there are more.
            let records: Vec<_> = texts.iter().filter_map(|text| read(lookup, text)).take(ADDRESS_LIMIT + 1).collect();
            if records.is_empty() { Err(lookup.no_record().into()) } else { Ok(records) }
        });
        LookedUp { records, found }
    }

    async fn ask(&self, lookup: &Lookup) -> Result<Vec<String>, Fault> {
        match lookup.records {
            Records::V4 => self.texts(lookup, "A").await,
            Records::V6 => self.texts(lookup, "AAAA").await,
            Records::Dnsaddr => self.texts(lookup, "TXT").await,
            Records::Any => match join(self.texts(lookup, "A"), self.texts(lookup, "AAAA")).await {
                (Ok(v4), Ok(v6)) => Ok([v4, v6].concat()),
                // That one family has no record says nothing about the other, whose look-up failed.
                (Ok(one), Err(fault)) | (Err(fault), Ok(one)) => {
                    if one.is_empty() {
                        Err(fault)
                    } else {
                        Ok(one)
                    }
                }
                (Err(fault), Err(_)) => Err(fault),
            },
        }
    }

    async fn texts(&self, lookup: &Lookup, kind: &str) -> Result<Vec<String>, Fault> {
        let asked = method(&self.0, "lookup").ok_or_else(|| Fault::from(Cause::NameLookupFailed { rcode: None }))?;
        let asked = asked.call2(&self.0, &lookup.absolute().into(), &kind.into()).map_err(|error| error::fault(&error))?;
        let answer = JsFuture::from(Promise::resolve(&asked)).await.map_err(|error| error::fault(&error))?;
        let texts = answer.dyn_into::<Array>().map(|texts| texts.iter().filter_map(|text| text.as_string()).collect());
        Ok(texts.unwrap_or_default())
    }
}

fn read(lookup: &Lookup, text: &str) -> Option<Record> {
    match lookup.records {
        Records::Dnsaddr => text.strip_prefix("dnsaddr=")?.trim().parse().ok().map(Record::Address),
        Records::Any | Records::V4 | Records::V6 => text.parse::<IpAddr>().ok().map(Record::Ip),
    }
}
