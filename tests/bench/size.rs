//! The size of the stripped program.

use crate::{
    ours,
    table::{MEBIBYTE, Row, Target, Unit},
};
use anyhow::Context as _;

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let bytes = std::fs::metadata(ours::BINARY).context("p2p-probe is not built")?.len();
    let bytes = f64::from(u32::try_from(bytes).context("p2p-probe is larger than 4 GiB")?);
    Ok(vec![Row::new("size of the program", bytes / MEBIBYTE, Unit::Mebibytes, Target::AtMost(25.0))])
}
