//! TCP, with noise or TLS and yamux on top.

use tokio_util::compat::TokioAsyncReadCompatExt;

use super::{
    Dial, socket,
    upgrade::{self, Carrier},
};
use crate::{
    engine::{Ctx, Fault},
    model::StageName,
    session::BoxedStream,
};

/// Dials an address over TCP.
pub(super) async fn dial(dial: Dial<'_>) -> Result<(), Fault> {
    upgrade::over(dial, &Tcp(dial)).await
}

struct Tcp<'a>(Dial<'a>);

impl Carrier for Tcp<'_> {
    async fn open(&self, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
        if let Some(ctx) = ctx {
            ctx.enter(StageName::Connect);
        }
        let stream = self.0.tcp().await?;
        if let Some(ctx) = ctx {
            ctx.found(socket::local_tcp(&stream));
        }
        Ok(Box::new(stream.compat()))
    }
}
