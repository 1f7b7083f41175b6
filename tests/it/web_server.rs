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
                let request = Request::read(&mut stream);
                let _ = stream.write_all(&answer(&request.path));
                let _ = stream.shutdown();
            }
        });
        let certificate = Some(certificate);
        Self { port, certificate }
    }

    /// Answers every request without TLS: `answer` gets its path, and writes what it likes.
    pub(crate) fn plain(answer: impl Fn(&str, &mut dyn Write) + Send + 'static) -> Self {
        Self::hearing(move |request, stream| answer(&request.path, stream))
    }

    /// Answers every request without TLS: `answer` gets all of it, one after the other, and writes what it
    /// likes.
    pub(crate) fn hearing(
        mut answer: impl FnMut(&Request, &mut dyn Write) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = Request::read(&mut stream);
                answer(&request, &mut stream);
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

/// What a server was asked for.
#[derive(Default)]
pub(crate) struct Request {
    /// With the query.
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads a request; of one that breaks off, what there is.
    fn read(stream: &mut impl Read) -> Self {
        let mut stream = BufReader::new(stream);
        let mut lines = stream.by_ref().lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        let headers = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_lowercase(), value.trim().to_owned()))
            });
        let mut request = Self {
            path: first.split(' ').nth(1).unwrap_or_default().to_owned(),
            headers: headers.collect(),
            body: Vec::new(),
        };
        let length = request.header("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        let _ = stream.take(length).read_to_end(&mut request.body);
        request
    }

    /// The value of a header, whose name is given in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|it| it.0 == name).map(|it| &*it.1)
    }
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
