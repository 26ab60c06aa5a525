use libp2p_identity::KeyType;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConnection, ServerConnection};

use super::certificate::verify;
use super::*;

/// The certificate that a handshake with `keypair`'s server shows.
fn certificate(keypair: &Keypair) -> CertificateDer<'static> {
    libp2p_tls::certificate::generate(keypair).unwrap().0
}

/// A self-signed certificate with this libp2p extension.
fn forged(extension: Option<Vec<u8>>) -> CertificateDer<'static> {
    forged_with(extension.into_iter().map(libp2p_extension).collect())
}

fn forged_with(extensions: Vec<rcgen::CustomExtension>) -> CertificateDer<'static> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.custom_extensions = extensions;
    params.self_signed(&key).unwrap().into()
}

fn libp2p_extension(content: Vec<u8>) -> rcgen::CustomExtension {
    rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 53594, 1, 1], content)
}

/// `SignedKey` in DER, for contents shorter than 128 bytes.
fn signed_key(protobuf: &[u8], signature: &[u8]) -> Vec<u8> {
    let octets = |bytes: &[u8]| [&[0x04, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let content = [octets(protobuf), octets(signature)].concat();
    [vec![0x30, u8::try_from(content.len()).unwrap()], content].concat()
}

fn check(certificate: &CertificateDer<'_>) -> Result<Remote, CertError> {
    verify(certificate, UnixTime::now())
}

#[test]
fn the_peer_and_its_key_kind_are_read() {
    for (keypair, kind) in [
        (Keypair::generate_ed25519(), KeyType::Ed25519),
        (Keypair::generate_secp256k1(), KeyType::Secp256k1),
        (Keypair::generate_ecdsa(), KeyType::Ecdsa),
    ] {
        let remote = check(&certificate(&keypair)).unwrap();
        assert_eq!(remote.peer, keypair.public().to_peer_id());
        assert_eq!(remote.key_type(), kind);
    }
}

#[test]
fn one_certificate_is_asked_for() {
    let certificate = certificate(&Keypair::generate_ed25519());
    let notes = Notes::default();
    let verifier = Verifier::new(notes.clone(), &PROVIDER);
    let name = ServerName::try_from("any").unwrap();
    let second = std::slice::from_ref(&certificate);
    assert!(verifier.verify_server_cert(&certificate, second, &name, &[], UnixTime::now()).is_err());
    assert!(matches!(notes.rejected(), Some(CertError::Count(2))));
}

#[test]
fn what_is_wrong_with_a_certificate_is_told() {
    assert!(matches!(check(&CertificateDer::from(vec![1, 2, 3])), Err(CertError::NotX509)));
    assert!(matches!(check(&forged(None)), Err(CertError::NoExtension)));
    assert!(matches!(check(&forged(Some(vec![0x30, 0]))), Err(CertError::MalformedExtension)));
    let twice = (0..2).map(|_| libp2p_extension(vec![0x30, 0])).collect();
    assert!(matches!(check(&forged_with(twice)), Err(CertError::SeveralExtensions)));
    let mut unknown = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    unknown.set_criticality(true);
    assert!(matches!(check(&forged_with(vec![unknown])), Err(CertError::UnknownCriticalExtension)));
}

#[test]
fn an_unknown_key_kind_is_named() {
    let kinds: [(&[u8], u64); 2] = [(&[8, 9, 18, 1, 7], 9), (&[8, 0xac, 2, 18, 1, 7], 300)];
    for (protobuf, expected) in kinds {
        let certificate = forged(Some(signed_key(protobuf, &[1])));
        match check(&certificate) {
            Err(CertError::UnsupportedKey { kind }) => assert_eq!(kind, expected),
            other => panic!("{other:?}"),
        }
    }
    // A known kind with a key that is none; a varint without end.
    for protobuf in [[8, 1, 18, 1, 7].as_slice(), &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        let certificate = forged(Some(signed_key(protobuf, &[1])));
        assert!(matches!(check(&certificate), Err(CertError::MalformedExtension)));
    }
}

#[test]
fn a_host_key_that_did_not_sign_is_no_proof() {
    let stolen = Keypair::generate_ed25519().public().encode_protobuf();
    let certificate = forged(Some(signed_key(&stolen, &[0; 64])));
    assert!(matches!(check(&certificate), Err(CertError::BadSignature(_))));
}

#[test]
fn validity_is_checked_against_the_clock() {
    let certificate = certificate(&Keypair::generate_ed25519());
    let at = |seconds| verify(&certificate, UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)));
    assert!(matches!(at(0), Err(CertError::NotYetValid { not_before }) if not_before > 0));
    assert!(matches!(at(u64::MAX), Err(CertError::Expired { .. })));
}

#[test]
fn two_peers_prove_each_other_over_tls() {
    let (dialer, listener) = (Keypair::generate_ed25519(), Keypair::generate_secp256k1());
    let (client, client_notes) = client_config(&dialer).unwrap();
    let (server, server_notes) = server_config(&listener).unwrap();
    let name = ServerName::try_from("any").unwrap();
    let mut client = ClientConnection::new(client, name).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
    assert_eq!(client_notes.remote().unwrap().peer, listener.public().to_peer_id());
    assert_eq!(server_notes.remote().unwrap().peer, dialer.public().to_peer_id());
    assert_eq!(client.alpn_protocol(), Some(ALPN));
    assert!(client_notes.rejected().is_none());
}
