//! TLS below a WebSocket.

use rustls::pki_types::ServerName;

use super::{Dial, dns::in_ascii, errors};
use crate::{
    engine::{Ctx, Fault},
    model::{Cause, Certificate, Found, Stamp},
    plan::Host,
    session::BoxedStream,
    transport::{
        tap::Tap,
        tls::{self, CertificateProblem, Observed},
    },
};

/// Shakes hands. What is wrong with the certificate fails the stage, and the dial goes on.
pub(super) async fn secure(dial: Dial<'_>, stream: BoxedStream, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault> {
    let name = server_name(dial)?;
    let told = |observed: &Observed| {
        let Some(ctx) = ctx else { return };
        ctx.found(found(observed));
        if let Some(problem) = observed.problem() {
            ctx.failed_but_continue(cause_of(problem));
        }
    };
    match tls::connect(Tap::new(stream), name, true).await {
        Ok(secured) => {
            told(&secured.observed);
            Ok(Box::new(secured.stream))
        }
        Err(failed) => {
            told(&failed.observed);
            Err(errors::of_tls(&failed.fault))
        }
    }
}

/// The name that the certificate has to hold: `/sni`, else the name or IP address dialed.
fn server_name(dial: Dial<'_>) -> Result<ServerName<'static>, Fault> {
    let route = &dial.planned.route;
    let name = match (&route.sni, &route.host) {
        (Some(sni), _) => sni.as_str(),
        (None, Host::Name(lookup)) => lookup.name.as_str(),
        (None, Host::Ip(..)) => return Ok(ServerName::IpAddress(dial.ip().into())),
    };
    // The plan leaves out what no host can be called. Some of the rest TLS takes less kindly than DNS: a dash at the begin.
    let fault = |error| Fault::new(Cause::LocalFault { errno: None }, &error);
    ServerName::try_from(in_ascii(name.trim_end_matches('.'))).map_err(fault)
}

fn found(observed: &Observed) -> Found {
    Found {
        version: observed.version.map(Into::into),
        suite: observed.suite.as_ref().map(ToString::to_string),
        alpn: observed.alpn.clone(),
        certificate: observed.certificate.as_ref().map(shown),
        ..Found::default()
    }
}

/// A certificate as reports carry it.
pub(super) fn shown(certificate: &tls::Certificate) -> Certificate {
    Certificate {
        names: certificate.names.clone(),
        issuer: certificate.issuer.clone(),
        not_before: Stamp::at(certificate.not_before),
        not_after: Stamp::at(certificate.not_after),
        fingerprint: certificate.fingerprint.clone(),
    }
}

fn cause_of(problem: &CertificateProblem) -> Cause {
    match problem {
        CertificateProblem::Expired { not_after } => Cause::CertificateExpired { not_after: Some(Stamp::at(*not_after)) },
        CertificateProblem::NotYetValid { not_before } => {
            Cause::CertificateNotYetValid { not_before: Some(Stamp::at(*not_before)) }
        }
        CertificateProblem::WrongName { names } => Cause::CertificateWrongName { names: names.clone() },
        CertificateProblem::Untrusted { issuer } => {
            Cause::CertificateUntrusted { issuer: Some(issuer.clone()).filter(|issuer| !issuer.is_empty()) }
        }
    }
}
