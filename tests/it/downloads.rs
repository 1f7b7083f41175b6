//! CA certificate and CRL from a web server: what is believed, and what happens when there is no answer.
#![cfg(test)] // clippy takes helpers for tests only when it sees this

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, thread};

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

use crate::peers::{Process, free_tcp_port};
use crate::sandbox::{PATIENCE, PROBE, Sandbox, Settings, Speaker, in_shell};

/// A web server on the loopback interface, with a certificate that nobody knows unless told.
struct WebServer {
    port: u16,
    certificate: X509,
}

impl WebServer {
    /// Answers every request with what `answer` makes of its path, for as long as the test run lasts.
    fn start(answer: fn(&str) -> Vec<u8>) -> Self {
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
                let mut request = BufReader::new(&mut stream).lines().map_while(Result::ok);
                let first = request.next().unwrap_or_default();
                request.take_while(|line| !line.is_empty()).for_each(drop);
                let path = first.split(' ').nth(1).unwrap_or_default();
                let _ = stream.write_all(&answer(path));
                let _ = stream.shutdown();
            }
        });
        Self { port, certificate }
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
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

fn pki(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/vectors/pki")
        .join(name)
}

/// A web server's answer: files of the test PKI, or a way to somewhere without TLS.
fn files(path: &str) -> Vec<u8> {
    if path == "/elsewhere" {
        return b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/ca.crt\r\n\r\n".to_vec();
    }
    match fs::read(pki(path.trim_start_matches('/'))) {
        Ok(file) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", file.len());
            [head.into_bytes(), file].concat()
        }
        Err(_) => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    }
}

/// A speaker that signs, and a tail that validates with what it downloads.
struct Bus {
    sandbox: Sandbox,
    speaker: Speaker,
}

impl Bus {
    fn new(settings: &str) -> Self {
        let port = free_tcp_port();
        let bus = Settings::new().endpoint("svc.host", port);
        let signing = bus
            .clone()
            .signing(&pki(""), "svc.host", "bodhi-app01.test");
        let speaker = Speaker::open(&signing.with("name = 'svc.host'\nzmq_linger = 0"));
        let sandbox = Sandbox::with(&bus.with(settings));
        Self { sandbox, speaker }
    }

    /// Starts a tail that trusts the web server, or nobody on the web.
    fn tail(&self, trusted: Option<&WebServer>) -> Process {
        let pem = trusted.map(|server| server.certificate.to_pem().unwrap());
        let pem = String::from_utf8(pem.unwrap_or_default()).unwrap();
        let roots = self.sandbox.write("roots.pem", &pem);
        let mut command = self
            .sandbox
            .command(&["fedmsg-tail", "--validate", "--json"]);
        command
            .env("SSL_CERT_FILE", roots)
            .env("SSL_CERT_DIR", "/nonexistent");
        Process::start(in_shell(r#"exec "$0" "$@" 2>&1"#, &command))
    }

    /// Publishes until the tail writes a line that contains `text`.
    fn until(&self, tail: &mut Process, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.speaker.publish("a", "b", "c");
            let mut lines = std::iter::from_fn(|| tail.line_within(PROBE));
            if let Some(line) = lines.find(|line| line.contains(text)) {
                return line;
            }
            assert!(Instant::now() < deadline, "no line with {text:?}");
        }
    }
}

#[test]
fn ca_and_crl_are_downloaded_and_kept_for_a_start_without_the_server() {
    let server = WebServer::start(files);
    let (ca, crl) = (server.url("/ca.crt"), server.url("/crl.pem"));
    let kept = "ca_cert_cache = 'kept.crt'\ncrl_cache = 'kept.pem'";
    let bus = Bus::new(&format!(
        "ca_cert_location = '{ca}'\ncrl_location = '{crl}'\n{kept}"
    ));
    bus.until(&mut bus.tail(Some(&server)), r#""msg":"c""#);

    // The same, but nobody who can be trusted answers.
    let mut tail = bus.tail(None);
    bus.until(&mut tail, r#""msg":"c""#);
    bus.until(&mut tail, "what it last said stays in force");
}

#[test]
fn without_an_answer_that_can_be_trusted_every_message_is_refused() {
    let server = WebServer::start(files);
    for (path, trusted) in [
        ("/ca.crt", None),
        ("/no-such-file", Some(&server)),
        ("/elsewhere", Some(&server)),
        ("/host.txt", Some(&server)),
    ] {
        let bus = Bus::new(&format!("ca_cert_location = '{}'", server.url(path)));
        let mut tail = bus.tail(trusted);
        let complaint = if path == "/host.txt" {
            "not usable"
        } else {
            "not downloaded"
        };
        bus.until(&mut tail, complaint);
        bus.until(&mut tail, "no CA certificate is loaded");
    }
}

#[test]
fn a_bad_download_leaves_what_was_kept_for_the_next_start() {
    let server = WebServer::start(files);
    let url = server.url("/host.txt");
    let bus = Bus::new(&format!(
        "ca_cert_location = '{url}'\nca_cert_cache = 'kept.crt'"
    ));
    let ca = fs::read_to_string(pki("ca.crt")).unwrap();
    bus.sandbox.write("kept.crt", &ca);
    for _ in 0..2 {
        let mut tail = bus.tail(Some(&server));
        bus.until(&mut tail, "not usable: the former ones stay in force");
        bus.until(&mut tail, r#""msg":"c""#);
    }
}

#[test]
fn what_was_kept_and_is_of_no_use_is_named_and_downloaded_anew() {
    let server = WebServer::start(files);
    let url = server.url("/ca.crt");
    let bus = Bus::new(&format!(
        "ca_cert_location = '{url}'\nca_cert_cache = 'kept.crt'"
    ));
    bus.sandbox.write("kept.crt", "<html>Please log in</html>");
    let mut tail = bus.tail(Some(&server));
    bus.until(&mut tail, "kept.crt");
    bus.until(&mut tail, r#""msg":"c""#);
    bus.until(&mut bus.tail(None), r#""msg":"c""#);
}
