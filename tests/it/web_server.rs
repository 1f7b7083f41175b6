//! A web server on the loopback interface, for what our programs fetch from one.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// A web server; with TLS it has a certificate that nobody knows unless told.
pub(crate) struct WebServer {
    port: u16,
    certificate: Option<X509>,
}

impl WebServer {
    /// Answers every request, with TLS, with what `answer` makes of its path, for as long as the test
    /// run lasts.
    pub(crate) fn start(answer: fn(&str) -> Vec<u8>) -> Self {
        let (certificate, key) = certificate();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_private_key(&key).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                // Whoever does not trust us leaves in the middle of the handshake.
                let Ok(mut stream) = acceptor.accept(stream.unwrap()) else {
                    continue;
                };
                let path = path_asked_for(&mut stream);
                let _ = stream.write_all(&answer(&path));
                let _ = stream.shutdown();
            }
        });
        let certificate = Some(certificate);
        Self { port, certificate }
    }

    /// Answers every request without TLS: `answer` gets its path, and writes what it likes.
    pub(crate) fn plain(answer: impl Fn(&str, &mut dyn Write) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let path = path_asked_for(&mut stream);
                answer(&path, &mut stream);
            }
        });
        let certificate = None;
        Self { port, certificate }
    }

    /// Returns the URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://127.0.0.1:{}{path}", self.port)
    }

    /// Returns its certificate, in PEM.
    pub(crate) fn certificate(&self) -> String {
        let certificate = self.certificate.as_ref().expect("it has TLS");
        String::from_utf8(certificate.to_pem().unwrap()).unwrap()
    }
}

/// Reads a request and returns its path, with the query.
fn path_asked_for(stream: &mut impl Read) -> String {
    let mut request = BufReader::new(stream).lines().map_while(Result::ok);
    let first = request.next().unwrap_or_default();
    request.take_while(|line| !line.is_empty()).for_each(drop);
    first.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// A certificate for the loopback interface, and its key.
fn certificate() -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "a test").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(1).unwrap())
        .unwrap();
    let mut names = SubjectAlternativeName::new();
    let names = names
        .ip("127.0.0.1")
        .build(&builder.x509v3_context(None, None))
        .unwrap();
    builder.append_extension(names).unwrap();
    builder
        .append_extension(BasicConstraints::new().ca().build().unwrap())
        .unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
