//! `dial --self`: a node and a dialer in one process, over every transport that it serves; the first command of a new user.

use crate::{
    measure::{median, wall},
    ours,
    table::{Row, Target, Unit},
};

const RUNS: usize = 31;
const TARGET: Target = Target::AtMost(100.0);

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let once = || wall(ours::command(["dial", "--self"]));
    once()?;
    let time = median((0..RUNS).map(|_| once()).collect::<anyhow::Result<_>>()?)?;
    Ok(vec![Row::new("dial --self, whole process", time, Unit::Milliseconds, TARGET)])
}
