//! TCP, with noise or TLS and yamux on top.

use super::{
    Dial,
    upgrade::{self, Carrier},
};
use crate::{
    engine::{Ctx, Fault},
    model::StageName,
    session::BoxedStream,
    transport::paced::paced,
};

/// Dials an address over TCP.
pub(super) async fn dial(dial: Dial<'_>) -> Result<(), Fault> {
    upgrade::over(dial, &Tcp(dial)).await
}

struct Tcp<'a>(Dial<'a>);

impl Carrier for Tcp<'_> {
    async fn open(&self, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
        let stream = self.0.tcp(ctx, StageName::Secure).await?;
        Ok(Box::new(paced(stream)))
    }
}
