//! What the other side may open on a connection: identify, identify/push, ping, and the services that the session was given;
//! everything else is refused.

use std::pin::pin;

use futures::{AsyncReadExt, AsyncWriteExt, future::select};
use libp2p_core::muxing::SubstreamBox;

use super::{Identified, answer, identify, link::Link, ping};

/// What every session offers.
pub(super) const OFFERS: [&str; 3] = [identify::PROTOCOL, identify::PUSH, ping::PROTOCOL];

/// What the other side did on a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Noted {
    /// It asked who we are.
    AskedIdentify,
    /// It was answered a ping.
    Pinged,
    /// It told who it is without being asked.
    Pushed(Box<Identified>),
    /// It asked for a protocol that is not offered: at most 1,024 bytes, as they came.
    Refused(String),
}

/// Serves one stream until it ends. How it fails is the other side's business.
pub(super) async fn serve(link: Link, stream: SubstreamBox) {
    match answer(stream, &link.offers()).await {
        Err(unanswered) => unanswered.asked.into_iter().for_each(|name| link.note(Noted::Refused(name))),
        Ok((identify::PROTOCOL, stream)) => {
            link.note(Noted::AskedIdentify);
            let _ = identify::tell(&link, stream).await;
        }
        Ok((identify::PUSH, mut stream)) => {
            if let Ok(identified) = identify::read(&link, &mut stream).await {
                link.note(Noted::Pushed(Box::new(identified)));
            }
        }
        Ok((protocol, stream)) if protocol != ping::PROTOCOL => link.serve(protocol, stream).await,
        Ok((_, stream)) => {
            // The oldest of too many is let go.
            select(pin!(echo(&link, stream)), link.place_to_ping()).await;
        }
    }
}

/// Answers pings as they come, each at once, for as long as the stream lasts.
async fn echo(link: &Link, mut stream: SubstreamBox) {
    let mut payload = [0; ping::SIZE];
    while stream.read_exact(&mut payload).await.is_ok()
        && stream.write_all(&payload).await.is_ok()
        && stream.flush().await.is_ok()
    {
        link.note(Noted::Pinged);
    }
    let _ = stream.close().await;
}
