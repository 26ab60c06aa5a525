//! Key exchange.

use std::fmt;
use std::panic::AssertUnwindSafe;

use dimpl::crypto::{ActiveKeyExchange, Buf, SupportedKxGroup};
use dimpl::{CryptoError, CryptoOperation, NamedGroup};
use rustls::crypto::ring;

#[derive(Debug, Clone, Copy)]
pub(super) enum Group {
    X25519,
    P256,
}

impl SupportedKxGroup for Group {
    fn name(&self) -> NamedGroup {
        match self {
            Self::X25519 => NamedGroup::X25519,
            Self::P256 => NamedGroup::Secp256r1,
        }
    }

    fn start_exchange(&self, _: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        let group = match self {
            Self::X25519 => ring::kx_group::X25519,
            Self::P256 => ring::kx_group::SECP256R1,
        };
        let failed = |_| CryptoError::OperationFailed(CryptoOperation::StartKeyExchange);
        Ok(Box::new(Exchange { group: self.name(), inner: AssertUnwindSafe(group.start().map_err(failed)?) }))
    }
}

struct Exchange {
    group: NamedGroup,
    /// It is used up by its one use, so that no panic leaves it half-done.
    inner: AssertUnwindSafe<Box<dyn rustls::crypto::ActiveKeyExchange>>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("group", &self.group).finish_non_exhaustive()
    }
}

impl ActiveKeyExchange for Exchange {
    fn pub_key(&self) -> &[u8] {
        self.inner.pub_key()
    }

    fn complete(self: Box<Self>, theirs: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        let Self { group, inner: AssertUnwindSafe(inner) } = *self;
        let secret = inner.complete(theirs).map_err(|_| CryptoError::InvalidPublicKey(group))?;
        out.clear();
        out.extend_from_slice(secret.secret_bytes());
        Ok(())
    }

    fn group(&self) -> NamedGroup {
        self.group
    }
}
