//! Real browsers, headless, driven over `WebDriver`: [`Browser`] is the driver's side of it, [`Pages`] what they load.
//! Every test runs in a network namespace of its own, where nothing but its own peers can be reached.

mod conformance;
mod console;
#[cfg(feature = "page")]
mod defect;
#[cfg(feature = "page")]
mod devtools;
#[cfg(feature = "page")]
mod download;
mod driver;
#[cfg(feature = "page")]
mod elsewhere;
mod engine;
mod flood;
#[cfg(feature = "page")]
mod hand;
#[cfg(feature = "page")]
mod keyboard;
#[cfg(feature = "page")]
mod look;
mod pages;
#[cfg(feature = "page")]
mod permission;
#[cfg(feature = "page")]
mod pings;
mod plain;
mod probes;
#[cfg(feature = "page")]
mod served;
mod session;
#[cfg(feature = "page")]
mod tour;
#[cfg(feature = "page")]
mod visit;
mod why_not;

#[cfg(feature = "page")]
pub use devtools::Devtools;
pub use driver::Kind;
pub use pages::Pages;
#[cfg(feature = "page")]
pub use probes::{open, pages};
pub use session::Browser;

use crate::namespace;
use std::path::PathBuf;

/// An address that is not loopback: Firefox does no WebRTC over that.
pub const LAN: &str = "10.87.0.1";

/// An address that every browser takes for one of the internet.
#[cfg(feature = "page")]
pub const PUBLIC: &str = "11.22.33.1";

/// Makes [`LAN`] an address of this host. Both ends of the cable are here; the default route is for Firefox, which takes no
/// other interface than the one that leads out.
const CABLE: [&str; 6] = [
    "ip link set lo up",
    "ip link add lan0 type veth peer name lan1",
    "ip addr add 10.87.0.1/24 dev lan0",
    "ip addr add 11.22.33.1/24 dev lan0",
    "ip link set lan0 up && ip link set lan1 up",
    "ip route add default via 10.87.0.254 dev lan0",
];

/// Runs `test`, whose full name is given, in a namespace that has [`LAN`], on a runtime of its own.
pub fn within<F: Future<Output = ()>>(test: &str, work: impl FnOnce() -> F) {
    if namespace::within(test, &CABLE) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work());
    }
}

/// Where screenshots and consoles are kept: `$P2P_PROBE_ARTEFACTS`, else beside what cargo builds.
fn artefacts() -> PathBuf {
    let chosen = std::env::var_os("P2P_PROBE_ARTEFACTS").map(PathBuf::from);
    let folder = chosen.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser"));
    std::fs::create_dir_all(&folder).expect("a folder for screenshots");
    folder
}
