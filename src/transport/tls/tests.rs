use std::{
    io,
    time::{Duration, UNIX_EPOCH},
};

use futures::{AsyncReadExt, AsyncWriteExt};
use futures_rustls::TlsAcceptor;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::{TLS12, TLS13},
};
use tokio::io::duplex;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::*;
use crate::transport::{tap::Speaks, websocket};

/// Large enough for any flight of a handshake.
const BUFFER: usize = 64 * 1024;

/// A certificate authority of the test's own.
struct Authority {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test \u{1b}Root");
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    fn trusted(&self) -> Arc<RootCertStore> {
        trusting(self.certificate.der())
    }

    fn sign(&self, params: CertificateParams) -> Shown {
        let key = KeyPair::generate().unwrap();
        Shown::new(&params.signed_by(&key, &self.certificate, &self.key).unwrap(), &key)
    }
}

/// A server's certificate and key.
#[derive(Debug)]
struct Shown {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Shown {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self { certificate: certificate.der().clone(), key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
    }

    fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Self::new(&params.self_signed(&key).unwrap(), &key)
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    params
}

fn between(names: &[&str], first: i32, last: i32) -> CertificateParams {
    let mut params = params(names);
    params.not_before = date_time_ymd(first, 1, 1);
    params.not_after = date_time_ymd(last, 1, 1);
    params
}

fn trusting(certificate: &CertificateDer<'static>) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    store.add(certificate.clone()).unwrap();
    Arc::new(store)
}

fn server(shown: Shown, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![shown.certificate], shown.key)
        .unwrap()
}

/// Dials `name` at a server of that configuration, and sends a word both ways where the handshake succeeds.
async fn dial(config: ServerConfig, name: &'static str, roots: Arc<RootCertStore>) -> Result<Observed, TlsError> {
    let (near, far) = duplex(BUFFER);
    let server = async {
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(far.compat()).await?;
        let mut word = [0; 4];
        stream.read_exact(&mut word).await?;
        stream.write_all(&word).await?;
        stream.flush().await
    };
    let client = async {
        let name = ServerName::try_from(name).unwrap();
        let mut secured = connect_trusting(Tap::new(near.compat()), name, true, roots).await?;
        let mut word = *b"echo";
        secured.stream.write_all(&word).await.unwrap();
        secured.stream.flush().await.unwrap();
        secured.stream.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"echo");
        Ok(secured.observed)
    };
    futures::join!(client, server).0
}

async fn problems(shown: Shown, name: &'static str, roots: Arc<RootCertStore>) -> Vec<CertificateProblem> {
    dial(server(shown, &[&TLS13]), name, roots).await.unwrap().problems
}

/// What a client makes of a server that says `answer` in clear and closes.
async fn answered(answer: &[u8]) -> TlsFault {
    let (near, far) = duplex(BUFFER);
    let mut far = far.compat();
    let server = async {
        let mut hello = [0; 2048];
        let _ = far.read(&mut hello).await.unwrap();
        far.write_all(answer).await.unwrap();
        far.close().await.unwrap();
        far
    };
    let roots = Authority::new().trusted();
    let name = ServerName::try_from("example.org").unwrap();
    futures::join!(connect_trusting(Tap::new(near.compat()), name, true, roots), server).0.unwrap_err().fault
}

#[tokio::test]
async fn a_trusted_certificate_has_no_problem() {
    let authority = Authority::new();
    for (version, called, suite) in [(&TLS13, "TLSv1.3", "TLS_AES_"), (&TLS12, "TLSv1.2", "TLS_ECDHE_ECDSA_")] {
        let mut config = server(authority.sign(between(&["example.org", "*.example.net", "192.0.2.1"], 2020, 2100)), &[version]);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let observed = dial(config, "example.org", authority.trusted()).await.unwrap();
        assert_eq!(observed.problems, []);
        assert_eq!((observed.version, observed.alpn.as_deref()), (Some(called), Some("http/1.1")));
        assert!(observed.suite.as_deref().unwrap().starts_with(suite), "{:?}", observed.suite);
        let certificate = observed.certificate.unwrap();
        assert_eq!(certificate.names, ["example.org", "*.example.net", "192.0.2.1"]);
        assert_eq!(certificate.issuer, "CN=Test \\u{1b}Root");
        assert_eq!(certificate.not_before, UNIX_EPOCH + Duration::from_secs(1_577_836_800));
        assert_eq!(certificate.not_after, UNIX_EPOCH + Duration::from_secs(4_102_444_800));
        assert_eq!((certificate.fingerprint.len(), &certificate.fingerprint[..7]), (71, "sha256:"));
    }
}

#[tokio::test]
async fn each_problem_is_told_and_the_stream_works_all_the_same() {
    let authority = Authority::new();
    let roots = || authority.trusted();
    let expired = CertificateProblem::Expired { not_after: UNIX_EPOCH + Duration::from_secs(1_577_836_800) };
    let early = CertificateProblem::NotYetValid { not_before: UNIX_EPOCH + Duration::from_secs(4_102_444_800) };
    let wrong = |names: &[&str]| CertificateProblem::WrongName { names: names.iter().map(ToString::to_string).collect() };

    let found = problems(authority.sign(between(&["example.org"], 2010, 2020)), "example.org", roots()).await;
    assert_eq!(found, std::slice::from_ref(&expired));
    let found = problems(authority.sign(between(&["example.org"], 2100, 2110)), "example.org", roots()).await;
    assert_eq!(found, [early]);
    let found = problems(authority.sign(params(&["a.example", "b.example"])), "example.org", roots()).await;
    assert_eq!(found, [wrong(&["a.example", "b.example"])]);
    let found = problems(authority.sign(params(&["example.org"])), "192.0.2.1", roots()).await;
    assert_eq!(found, [wrong(&["example.org"])]);
    let found = problems(authority.sign(params(&["192.0.2.1", "2001:db8::1"])), "2001:db8::1", roots()).await;
    assert_eq!(found, []);
    let found = problems(authority.sign(params(&["example.org"])), "example.org", Authority::new().trusted()).await;
    assert_eq!(found, [CertificateProblem::Untrusted { issuer: "CN=Test \\u{1b}Root".into() }]);
    let found = problems(authority.sign(between(&["a.example"], 2010, 2020)), "192.0.2.1", Authority::new().trusted()).await;
    assert_eq!(found, [expired, wrong(&["a.example"]), CertificateProblem::Untrusted { issuer: "CN=Test \\u{1b}Root".into() }]);
}

#[tokio::test]
async fn a_self_signed_certificate_is_untrusted_unless_the_user_trusts_it() {
    let issuer = "CN=rcgen self signed cert".to_owned();
    let untrusted = CertificateProblem::Untrusted { issuer };
    let found = problems(Shown::self_signed(params(&["example.org"])), "example.org", Authority::new().trusted()).await;
    assert_eq!(found, std::slice::from_ref(&untrusted));
    let old = Shown::self_signed(between(&["example.org"], 2010, 2020));
    let found = problems(old, "example.org", Authority::new().trusted()).await;
    assert!(matches!(&found[..], [CertificateProblem::Expired { .. }, second] if *second == untrusted), "{found:?}");

    // OpenSSL makes such certificates by default; WebPKI alone takes no authority's certificate for a server's.
    let mut own = params(&["example.org"]);
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let shown = Shown::self_signed(own);
    let roots = trusting(&shown.certificate);
    assert_eq!(problems(shown, "example.org", roots).await, []);
}

#[tokio::test]
async fn an_expired_certificate_above_is_an_expired_certificate() {
    let authority = Authority::new();
    let mut old = between(&[], 2010, 2020);
    old.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    old.extended_key_usages.clear();
    let key = KeyPair::generate().unwrap();
    let middle = Authority { certificate: old.signed_by(&key, &authority.certificate, &authority.key).unwrap(), key };
    let shown = middle.sign(params(&["example.org"]));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![shown.certificate, middle.certificate.der().clone()], shown.key)
        .unwrap();
    let found = dial(config, "192.0.2.1", authority.trusted()).await.unwrap().problems;
    let expired = CertificateProblem::Expired { not_after: UNIX_EPOCH + Duration::from_secs(1_577_836_800) };
    assert_eq!(found, [expired, CertificateProblem::WrongName { names: vec!["example.org".into()] }]);
}

#[tokio::test]
async fn an_empty_root_store_trusts_nobody() {
    let shown = Authority::new().sign(params(&["example.org"]));
    let found = problems(shown, "example.org", Arc::new(RootCertStore::empty())).await;
    assert!(matches!(&found[..], [CertificateProblem::Untrusted { .. }]), "{found:?}");
}

#[tokio::test]
async fn names_are_bounded_and_the_common_name_stands_in() {
    let many: Vec<String> = (0..100).map(|number| format!("n{number}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let parsed = |params| Certificate::parse(&Shown::self_signed(params).certificate).unwrap();
    assert_eq!(parsed(params(&many)).names.len(), 20);
    let mut named = params(&[]);
    named.distinguished_name.push(DnType::CommonName, format!("{}\u{7}", "x".repeat(300)));
    assert_eq!(parsed(named).names, ["x".repeat(253)]);
    // Before 1970 and in 9999 a time is still one that can be written.
    let odd = parsed(between(&[], 1950, 9999));
    assert_eq!(odd.not_before, UNIX_EPOCH);
    assert_eq!(humantime::format_rfc3339_seconds(odd.not_after).to_string(), "9999-01-01T00:00:00Z");
    assert_eq!(Certificate::parse(b"no certificate"), None);
}

#[tokio::test]
async fn the_name_is_sent_only_where_it_may_be() {
    for (name, send, expected) in
        [("example.org", true, Some("example.org")), ("example.org", false, None), ("192.0.2.1", true, None)]
    {
        let (near, far) = duplex(BUFFER);
        let server = async {
            let acceptor = futures_rustls::LazyConfigAcceptor::new(rustls::server::Acceptor::default(), far.compat());
            acceptor.await.unwrap().client_hello().server_name().map(str::to_owned)
        };
        let client = connect_trusting(
            Tap::new(near.compat()),
            ServerName::try_from(name).unwrap(),
            send,
            Arc::new(RootCertStore::empty()),
        );
        let (sni, result) = futures::join!(server, client);
        assert_eq!(sni.as_deref(), expected);
        assert!(matches!(result.unwrap_err().fault, TlsFault::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof));
    }
}

#[tokio::test]
async fn a_signature_by_another_key_is_never_accepted() {
    for version in [&TLS13, &TLS12] {
        let authority = Authority::new();
        let mut shown = authority.sign(params(&["example.org"]));
        shown.key = authority.sign(params(&["example.org"])).key;
        let provider = ring::default_provider();
        let key = provider.key_provider.load_private_key(shown.key).unwrap();
        let resolver =
            Arc::new(rustls::sign::SingleCertAndKey::from(rustls::sign::CertifiedKey::new(vec![shown.certificate], key)));
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        let error = dial(config, "example.org", authority.trusted()).await.unwrap_err();
        assert!(matches!(error.fault, TlsFault::Other(rustls::Error::InvalidCertificate(_))), "{error:?}");
        // What was seen is kept.
        assert_eq!(error.observed.certificate.unwrap().names, ["example.org"]);
        assert!(error.observed.version.is_some());
    }
}

#[tokio::test]
async fn a_websocket_runs_above() {
    const LENGTH: usize = 1024 * 1024;
    let authority = Authority::new();
    let (near, far) = duplex(1000);
    let acceptor = TlsAcceptor::from(Arc::new(server(authority.sign(params(&["example.org"])), &[&TLS13])));
    let server = async {
        let stream = acceptor.accept(far.compat()).await.unwrap();
        let mut socket = websocket::accept(stream).await.unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.unwrap();
        let _ = socket.close().await;
        bytes
    };
    let client = async {
        let name = ServerName::try_from("example.org").unwrap();
        let secured = connect_trusting(Tap::new(near.compat()), name, true, authority.trusted()).await.unwrap();
        let (mut socket, _) = websocket::connect(secured.stream, "example.org", "/").await.unwrap();
        socket.write_all(&vec![7; LENGTH]).await.unwrap();
        socket.close().await.unwrap();
        // The server's answer to the close frame is the end.
        assert_eq!(socket.read(&mut [0; 16]).await.unwrap(), 0);
    };
    let (bytes, ()) = futures::join!(server, client);
    assert_eq!(bytes, vec![7; LENGTH]);
}

#[tokio::test]
async fn the_roots_of_the_system_are_loaded_once() {
    prepare();
    let (first, second) = (roots::system(), roots::system());
    assert!(Arc::ptr_eq(&first, &second));
    assert!(!first.is_empty(), "without a store of the system there are those compiled in");
}

#[tokio::test]
async fn an_alert_is_told_by_name() {
    let cases = [(40, "handshake_failure"), (70, "protocol_version"), (112, "unrecognized_name"), (200, "unknown")];
    for (number, expected) in cases {
        match answered(&[0x15, 3, 3, 0, 2, 2, number]).await {
            TlsFault::Alert { code, name } => assert_eq!((code, name), (number, expected)),
            other => panic!("{other:?}"),
        }
    }
    let authority = Authority::new();
    // With TLS 1.3 this server's library loses its own alert behind its ServerHello.
    let mut config = server(authority.sign(params(&["example.org"])), &[&TLS12]);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let error = dial(config, "example.org", authority.trusted()).await.unwrap_err();
    assert!(matches!(error.fault, TlsFault::Alert { name: "no_application_protocol", code: 120 }), "{error:?}");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_named() {
    let cases: [(&[u8], Option<Speaks>, &str); 5] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Some(Speaks::Http), "HTTP/1.1 400 Bad Request"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Some(Speaks::Ssh), "SSH-2.0-OpenSSH_9.6"),
        (b"\x13/multistream/1.0.0\n", Some(Speaks::Multistream), "\\u{13}/multistream/1.0.0"),
        (b"ab", None, "ab"),
        (b"what is this, please?\n", None, "what is this, please?"),
    ];
    for (answer, expected, line) in cases {
        match answered(answer).await {
            TlsFault::NotTls { speaks, banner } => assert_eq!((speaks, &*banner), (expected, line)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_early_end_and_broken_records_are_told_apart() {
    for answer in [&b""[..], b"\x16\x03\x03\0\x40\x02"] {
        let fault = answered(answer).await;
        assert!(matches!(&fault, TlsFault::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof), "{fault:?}");
    }
    let fault = answered(b"\x16\x03\x03\0\x04\x02\0\0\0").await;
    assert!(matches!(fault, TlsFault::Other(_)), "{fault:?}");
}
