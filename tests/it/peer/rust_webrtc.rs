//! What a listener of libp2p-webrtc 0.10.0-alpha shows of itself, up to where its handshake breaks: it answers checks of version 1,
//! speaks DTLS 1.2 with the certificate that rcgen makes by default, and then has no SCTP where another address of the dialer's has
//! got in its way; or it panics before DTLS, where its program has not chosen between two providers of rustls.

use dimpl::{Dtls, DtlsCertificate, Output};
use is::stun::StunMessage;
use is::{DefaultSha1HmacProvider, Sha1HmacProvider as _};
use p2p_probe::transport::webrtc_direct::Certificate;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::net::UdpSocket;

const LONGEST: usize = 2048;

/// What becomes of a dialer, once DTLS stands if nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Breaks {
    /// Nothing is heard any more.
    Silently,
    /// DTLS is closed.
    ByClosing,
    /// Checks are answered, and nothing else is.
    BeforeDtls,
}

/// Serves one dialer after the other on the current runtime, and returns the port and the certhash.
pub async fn start(breaks: Breaks) -> (u16, String) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = socket.local_addr().expect("bound").port();
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = rcgen::CertificateParams::default().self_signed(&key).expect("a certificate");
    let certificate = DtlsCertificate { certificate: made.der().to_vec(), private_key: key.serialize_der() };
    let kept = [&certificate.certificate[..], &certificate.private_key].concat();
    let certhash = Certificate::from_bytes(&kept).expect("a certificate and its key").fingerprint().to_string();
    tokio::spawn(serve(socket, certificate, breaks));
    (port, certhash)
}

/// A dialer, by where it sends from.
struct Dialer {
    address: SocketAddr,
    dtls: Dtls,
    deadline: Instant,
}

async fn serve(socket: UdpSocket, certificate: DtlsCertificate, breaks: Breaks) {
    let config = Arc::new(dimpl::Config::builder().use_server_cookie(false).build().expect("a configuration"));
    let fresh = |address| {
        let mut dtls = Dtls::new_12(Arc::clone(&config), certificate.clone(), Instant::now());
        // It has to know the time before anything comes.
        dtls.handle_timeout(Instant::now()).expect("nothing is late yet");
        Dialer { address, dtls, deadline: Instant::now() }
    };
    let mut dialer: Option<Dialer> = None;
    let mut datagram = vec![0; LONGEST];
    loop {
        let due = dialer.as_ref().map(|dialer| dialer.deadline.into());
        tokio::select! {
            Ok((length, from)) = socket.recv_from(&mut datagram) => {
                let bytes = &datagram[..length];
                if let Some(answer) = answer(bytes, from) {
                    let _ = socket.send_to(&answer, from).await;
                    continue;
                }
                if breaks == Breaks::BeforeDtls || bytes.first().is_none_or(|byte| *byte < 20) {
                    continue;
                }
                let dialer = match &mut dialer {
                    Some(dialer) if dialer.address == from => dialer,
                    _ => dialer.insert(fresh(from)),
                };
                let _ = dialer.dtls.handle_packet(bytes);
            }
            () = tokio::time::sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                if let Some(dialer) = &mut dialer {
                    let _ = dialer.dtls.handle_timeout(Instant::now());
                }
            }
        }
        if let Some(dialer) = &mut dialer {
            send(&socket, dialer, breaks).await;
        }
    }
}

/// Sends what DTLS has to say, and looks when it wants to be asked again.
async fn send(socket: &UdpSocket, dialer: &mut Dialer, breaks: Breaks) {
    let mut buffer = vec![0; LONGEST];
    loop {
        match dialer.dtls.poll_output(&mut buffer) {
            Output::Packet(packet) => _ = socket.send_to(packet, dialer.address).await,
            Output::Timeout(at) => {
                dialer.deadline = at;
                return;
            }
            Output::Connected if breaks == Breaks::ByClosing => _ = dialer.dtls.close(),
            // What comes on it, the beginning of SCTP, is not answered.
            _ => {}
        }
    }
}

/// The answer to a check of version 1.
fn answer(bytes: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let check = StunMessage::parse(bytes).ok().filter(StunMessage::is_binding_request)?;
    let (server, _) = check.split_username()?;
    let sign = |key: &[u8], parts: &[&[u8]]| DefaultSha1HmacProvider.sha1_hmac(key, parts);
    if !server.starts_with("libp2p+webrtc+v1/") || !check.verify(server.as_bytes(), sign) {
        return None;
    }
    let mut answer = vec![0; LONGEST];
    let length = StunMessage::binding_reply(check.trans_id(), from).to_bytes(Some(server.as_bytes()), &mut answer, sign);
    answer.truncate(length.ok()?);
    Some(answer)
}
