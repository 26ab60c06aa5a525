//! This runtime has no ports.

/// Nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports(());
