//! What the connections of a node share.

use std::{rc::Rc, sync::Arc};

use rustls::ServerConfig;

use super::{dialback::Dialback, punch::Puncher};
use crate::{inbound::Service, native::Native};

/// What every connection of a node shares.
pub(super) struct Common {
    pub(super) service: Rc<Service>,
    pub(super) native: Native,
    pub(super) puncher: Rc<Puncher>,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) dialback: Rc<Dialback>,
}
