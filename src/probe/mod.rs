//! One file for each way to reach a peer, and the session that follows. Only probes touch the network.
pub mod dns;
use crate::{
    engine::{Ctx, Fault},
    model::*,
    native::Native,
    plan::Planned,
};
pub(crate) async fn dial(_n: &Native, _c: &Ctx, _p: &Planned, _o: &Options) -> Result<(), Fault> {
    Ok(())
}
