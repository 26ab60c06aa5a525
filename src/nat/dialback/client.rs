//! Asking.

use futures::AsyncWriteExt as _;

use super::{Answer, MAX_ANSWER, PROTOCOL, Request};
use crate::{
    fault::Fault,
    model::Cause,
    session::{Opener, frame},
};

/// Asks a helper. The caller bounds the time.
pub async fn ask(helper: &Opener, request: &Request) -> Result<Answer, Fault> {
    let mut message = Vec::new();
    frame::put(&mut message, &serde_json::to_vec(request).map_err(|error| Fault::new(Cause::Malformed, &error))?);
    let lost = |error| helper.explain(Fault::from_io(&error, Cause::Closed));
    let mut stream = helper.open(PROTOCOL).await?;
    stream.write_all(&message).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let answer = frame::read(&mut stream, MAX_ANSWER).await.map_err(|fault| helper.explain(fault))?;
    let answer = answer.ok_or_else(|| helper.explain(Cause::Closed.into()))?;

    serde_json::from_slice(&answer).map_err(|error| Fault::new(Cause::Malformed, &error))
}
