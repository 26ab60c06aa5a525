//! TCP, with noise or TLS and yamux on top.

use super::{
    Connected, Dial,
    upgrade::{self, Carrier},
};
use crate::{
    engine::{Ctx, Fault},
    model::StageName,
    session::BoxedStream,
    transport::paced::paced,
};

/// Connects over TCP.
pub(super) async fn connect(dial: Dial<'_>) -> Result<Connected<'_>, Fault> {
    upgrade::connect(dial, &Tcp(dial)).await
}

struct Tcp<'a>(Dial<'a>);

impl Carrier for Tcp<'_> {
    async fn open(&self, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
        let stream = self.0.tcp(ctx, StageName::Secure).await?;
        Ok(Box::new(paced(stream)))
    }
}
