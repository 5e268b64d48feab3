//! TLS: whom the client trusts, and which servers it can talk to.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{
    CipherSuite, ProtocolVersion, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};
use scimulator::client::{Network, NetworkOptions};
use scimulator::covers;
use scimulator::http::TransportError;

use super::server::{accept, read_request};
use super::{direct, get, outcome};

/// What the server saw of one connection: the suite and version agreed on, and the request, if one got through.
pub(super) type Seen = (Option<CipherSuite>, Option<ProtocolVersion>, Option<Vec<u8>>);

fn ecdsa_key() -> KeyPair {
    KeyPair::generate().unwrap()
}

/// A key made for this test alone: the certificate tool at hand can not make one of this kind.
fn rsa_key() -> KeyPair {
    let der = include_bytes!("../../data/client/rsa-2048-test-only.pk8");
    KeyPair::try_from(&PrivatePkcs8KeyDer::from(der.as_slice())).unwrap()
}

/// Serves one connection with a self-signed certificate, which it returns; the suites `None` are all.
fn serve(
    key: &KeyPair,
    suite: Option<CipherSuite>,
    version: &'static SupportedProtocolVersion,
) -> (u16, Vec<u8>, JoinHandle<Seen>) {
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(key).unwrap();
    let all = ring::default_provider();
    let cipher_suites = all
        .cipher_suites
        .iter()
        .filter(|offered| suite.is_none_or(|suite| offered.suite() == suite))
        .copied()
        .collect();
    let config = ServerConfig::builder_with_provider(Arc::new(CryptoProvider { cipher_suites, ..all }))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, accept(&listener));
        let request = read_request(&mut stream);
        if request.is_some() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        }
        (
            stream.conn.negotiated_cipher_suite().map(|suite| suite.suite()),
            stream.conn.protocol_version(),
            request,
        )
    });
    (port, certificate.der().to_vec(), thread)
}

/// Serves one connection as `localhost`, with a certificate whose PEM text it returns.
pub(super) fn serve_own_authority() -> (u16, String, JoinHandle<Seen>) {
    let (port, der, server) = serve(&ecdsa_key(), None, &rustls::version::TLS13);
    let lines: Vec<String> =
        STANDARD.encode(der).as_bytes().chunks(64).map(String::from_utf8_lossy).map(Into::into).collect();
    (port, format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n")), server)
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_before_any_request() {
    let (port, _, server) = serve(&ecdsa_key(), None, &rustls::version::TLS13);
    let network = Network::new(&direct()).unwrap();
    let refused = outcome(&network, &get(&format!("https://localhost:{port}/scim/Users"))).await;
    assert!(matches!(refused, Err(TransportError::Tls(_))), "{refused:?}");
    let (_, _, request) = server.join().unwrap();
    assert_eq!(request, None);
    covers!("W-007");
}

#[tokio::test]
async fn a_trusted_certificate_for_another_name_is_refused() {
    let (port, root, server) = serve(&ecdsa_key(), None, &rustls::version::TLS13);
    let network = Network::new(&NetworkOptions { extra_roots: vec![root], ..direct() }).unwrap();
    let refused = outcome(&network, &get(&format!("https://127.0.0.1:{port}/scim/Users"))).await;
    assert!(matches!(refused, Err(TransportError::Tls(_))), "{refused:?}");
    assert_eq!(server.join().unwrap().2, None);
}

#[tokio::test]
async fn servers_of_each_required_suite_and_of_tls_1_3_are_accepted() {
    let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    let cases = [
        (ecdsa_key(), Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), tls12),
        (ecdsa_key(), Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), tls12),
        (rsa_key(), Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), tls12),
        (rsa_key(), Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384), tls12),
        (ecdsa_key(), None, tls13),
    ];
    for (key, suite, version) in cases {
        let (port, root, server) = serve(&key, suite, version);
        let network = Network::new(&NetworkOptions { extra_roots: vec![root], ..direct() }).unwrap();
        let answer = outcome(&network, &get(&format!("https://localhost:{port}/scim/Users"))).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
        let (agreed, spoken, request) = server.join().unwrap();
        assert_eq!(spoken, Some(version.version));
        assert!(suite.is_none() || agreed == suite, "{agreed:?}");
        assert!(request.unwrap().starts_with(b"GET /scim/Users HTTP/1.1\r\n"));
    }
    covers!("W-008");
}

#[tokio::test]
async fn plain_http_behind_an_https_url_is_a_tls_failure() {
    let network =
        Network::new(&NetworkOptions { timeout: std::time::Duration::from_secs(5), ..direct() }).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let mut stream = accept(&listener);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).ok();
    });
    let refused = outcome(&network, &get(&format!("https://localhost:{port}/scim/Users"))).await;
    assert!(matches!(refused, Err(TransportError::Tls(_))), "{refused:?}");
    thread.join().unwrap();
}

#[test]
fn an_extra_root_that_is_no_certificate_is_named() {
    let good = CertificateParams::new(Vec::new()).unwrap().self_signed(&ecdsa_key()).unwrap().der().to_vec();
    let extra_roots = vec![good, b"no certificate".to_vec()];
    let error = Network::new(&NetworkOptions { extra_roots, ..direct() }).unwrap_err();
    assert_eq!(error.to_string(), "extra root certificate 2 can not be read");
}
