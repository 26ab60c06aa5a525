//! The ports to dial from, where they are to be the same ones for several dials.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use crate::transport::quic;

/// The ports to dial from; any free one where none is given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    /// TCP ports, one of a family.
    pub(crate) tcp: Vec<SocketAddr>,
    /// QUIC ports, one of a family.
    pub(crate) quic: Vec<Arc<quic::Listener>>,
}

impl Ports {
    /// The TCP port towards an address.
    pub(crate) fn tcp_towards(&self, remote: IpAddr) -> Option<SocketAddr> {
        self.tcp.iter().copied().find(|local| local.is_ipv4() == remote.is_ipv4())
    }

    /// The QUIC port towards an address.
    pub(crate) fn quic_towards(&self, remote: IpAddr) -> Option<&Arc<quic::Listener>> {
        let of_family =
            |listener: &&Arc<quic::Listener>| listener.local_addr().is_ok_and(|local| local.is_ipv4() == remote.is_ipv4());
        self.quic.iter().find(of_family)
    }
}
