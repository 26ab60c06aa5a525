//! Which certificate authorities are trusted: the system's.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;

static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// Loads the system's roots, unless that was done: some milliseconds that a probe need not book to the peer.
pub fn prepare() {
    system();
}

/// The roots of this system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set. Where there are none (a bare
/// container has no store) Mozilla's, as compiled in.
pub(super) fn system() -> Arc<RootCertStore> {
    Arc::clone(SYSTEM.get_or_init(|| {
        let mut store = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "cannot load a root certificate");
        }
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Arc::new(store)
    }))
}
