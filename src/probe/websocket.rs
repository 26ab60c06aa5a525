//! WebSocket, plain and over TLS.

use std::io;

use super::{
    Connected, Dial,
    dns::in_ascii,
    errors, tls,
    typed::Typed,
    upgrade::{self, Carrier},
};
use crate::{
    engine::{Ctx, Fault},
    model::{Cause, Found, StageName, Transport},
    plan::Host,
    session::{self, BoxedStream},
    transport::{
        self,
        paced::paced,
        websocket::{self, UpgradeError, WebSocketFault},
    },
};

/// Connects over WebSocket.
pub(super) async fn connect(dial: Dial<'_>) -> Result<Connected<'_>, Fault> {
    if dial.planned.route.transport == Transport::Wss {
        // The attempt begins after this, so that no stage is blamed for reading the store of certificates. Should the
        // thread fail, the handshake reads it.
        let _ = tokio::task::spawn_blocking(transport::tls::prepare).await;
    }
    upgrade::connect(dial, &WebSocket(dial)).await
}

struct WebSocket<'a>(Dial<'a>);

impl Carrier for WebSocket<'_> {
    async fn open(&self, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
        let over_tls = self.0.planned.route.transport == Transport::Wss;
        let next = if over_tls { StageName::Tls } else { StageName::Upgrade };
        let mut stream: BoxedStream = Box::new(paced(self.0.tcp(ctx, next).await?));
        if over_tls {
            ctx.inspect(|ctx| ctx.enter(next));
            stream = tls::secure(self.0, stream, ctx).await?;
        }
        ctx.inspect(|ctx| ctx.enter(StageName::Upgrade));
        self.upgrade(stream, ctx).await
    }
}

impl WebSocket<'_> {
    async fn upgrade(&self, stream: BoxedStream, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
        let route = &self.0.planned.route;
        let found = |found| ctx.inspect(|ctx| ctx.found(found));
        match websocket::connect(stream, &self.host(), &route.path).await {
            Ok((stream, upgraded)) => {
                found(Found { status: Some(upgraded.status), server: upgraded.server, ..Found::default() });
                Ok(Box::new(Typed::new(stream, meaning)))
            }
            Err(UpgradeError::HttpStatus { status, location, server }) => {
                found(Found { status: Some(status), location: location.clone(), server, ..Found::default() });
                Err(Cause::HttpStatus { status, location }.into())
            }
            Err(UpgradeError::NotHttp { speaks, banner }) => {
                Err(Fault::new(Cause::NotHttp { speaks: speaks.map(|speaks| speaks.to_string()) }, &banner))
            }
            Err(UpgradeError::Failed { what }) => Err(Cause::WebsocketFailed { what: what.into() }.into()),
            Err(UpgradeError::Io(error)) => Err(errors::of_stream(&error)),
        }
    }

    /// The Host header: the name of the address, and the port where it is not the scheme's own (RFC 9110, section 7.2).
    fn host(&self) -> String {
        let route = &self.0.planned.route;
        let host = match (&route.sni, &route.host) {
            (Some(sni), _) => in_ascii(sni),
            (None, Host::Name(lookup)) => in_ascii(&lookup.name),
            (None, Host::Ip(..)) if self.0.ip().is_ipv6() => format!("[{}]", self.0.ip()),
            (None, Host::Ip(..)) => self.0.ip().to_string(),
        };
        let scheme = if route.transport == Transport::Wss { 443 } else { 80 };
        if route.port == scheme { host } else { format!("{host}:{}", route.port) }
    }
}

/// What the errors of an established WebSocket mean where a reader would take them for something else.
fn meaning(error: &io::Error) -> Option<session::Fault> {
    let fault = error.get_ref()?.downcast_ref::<WebSocketFault>()?;
    match fault {
        WebSocketFault::NoCloseFrame | WebSocketFault::Closed => None,
        broken => Some(Cause::WebsocketFailed { what: broken.to_string() }.into()),
    }
}
