//! A page that needs no other file.

use maud::{DOCTYPE, PreEscaped, html};
use multibase::Base;
use sha2::{Digest as _, Sha256};

/// How reports look, in the page and in a file.
const STYLE: &str = include_str!("../../../js/page/report.css");

/// A whole page around a part that [`report`](super::report) or [`comparison`](super::comparison) made. Its policy allows
/// its own style alone, so that even a text that slipped through could do nothing.
#[must_use]
pub fn page(part: &str) -> String {
    let hash = Base::Base64Pad.encode(Sha256::digest(STYLE));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "p2p-probe report" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (PreEscaped(part)) } }
        }
    }
    .into_string()
}
