//! Writes the corpora that fuzzing starts from, made of the golden vectors: `fuzz/corpus/<target>/`.
//!
//! Run by `./dev fuzz`; gives the same files each time. It reads `tests/fixtures/vectors`.

use std::fs;
use std::path::{Path, PathBuf};

use fedmsg_message::json::MAX_DEPTH;
use fedmsg_message::{Signer, Topic, Value};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::base64::{decode_block, encode_block};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey};
use openssl::x509::{X509, X509Crl, X509Name};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Longer vectors are about length only, and slow a fuzzer down.
const MAX_LENGTH: usize = 32 * 1024;

fn main() -> Result<()> {
    let seeds = Seeds {
        vectors: Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vectors"),
        corpus: Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"),
    };
    seeds.messages()?;
    seeds.strong_messages()?;
    seeds.wire_vectors()?;
    seeds.pki()?;
    seeds.json()?;
    seeds.nested()?;
    seeds.topics()?;
    seeds.programs()
}

struct Seeds {
    vectors: PathBuf,
    corpus: PathBuf,
}

impl Seeds {
    /// Writes the messages that the original made, and what is in them.
    fn messages(&self) -> Result<()> {
        for folder in ["x509", "gpg"] {
            for (name, text) in self.files(folder, ".json")? {
                let vector = Value::parse(&text)?;
                let frames = vector.get("frames_b64").and_then(Value::as_array);
                let frames = frames.unwrap_or_default().iter().filter_map(Value::as_str);
                let frames = frames.map(decode_block);
                let frames = frames.collect::<std::result::Result<Vec<_>, _>>()?;
                if let [topic, body, ..] = &frames[..] {
                    self.message(&format!("{folder}-{name}"), topic, body)?;
                }
            }
        }
        Ok(())
    }

    fn message(&self, name: &str, topic: &[u8], body: &[u8]) -> Result<()> {
        self.write("envelope", name, &[topic, b"\0", body].concat())?;
        self.write("json", name, body)?;
        let body = Value::parse(body).unwrap_or_default();
        for field in ["signature", "certificate"] {
            if let Some(text) = body.get(field).and_then(Value::as_str) {
                self.write("base64", &format!("{name}-{field}"), text.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Writes messages with strong signatures, of which there are no vectors.
    fn strong_messages(&self) -> Result<()> {
        let file = |name: &str| fs::read(self.vectors.join("pki").join(name));
        let [certificate, key] = [file("bodhi-app01.test.crt")?, file("bodhi-app01.test.key")?];
        let ca = X509::from_pem(&file("ca.crt")?)?;
        let ca_key = PKey::private_key_from_pem(&file("ca.key")?)?;
        let ed25519_key = PKey::private_key_from_raw_bytes(&[7; 32], Id::ED25519)?;
        let mut ed25519 = X509::builder()?;
        ed25519.set_version(2)?;
        ed25519.set_serial_number(&*Asn1Integer::from_bn(&*BigNum::from_u32(77)?)?)?;
        ed25519.set_subject_name(&*common_name("bodhi-app01.test")?)?;
        ed25519.set_issuer_name(ca.subject_name())?;
        ed25519.set_not_before(&*Asn1Time::from_str("20150101000000Z")?)?;
        ed25519.set_not_after(&*Asn1Time::from_str("20450101000000Z")?)?;
        ed25519.set_pubkey(&ed25519_key)?;
        ed25519.sign(&ca_key, MessageDigest::sha256())?;
        let ed25519 = ed25519.build();
        self.certificate("ed25519", &ed25519)?;

        let rsa = Signer::from_pem(&certificate, &key)?.with_strong_rsa();
        let ed25519 = Signer::from_pem(&certificate, &key)?
            .with_strong_ed25519(&ed25519.to_pem()?, &ed25519_key.private_key_to_pem_pkcs8()?)?;
        for (name, signer) in [("strong-rsa", rsa), ("strong-ed25519", ed25519)] {
            let topic: Topic = "org.fedoraproject.dev.bodhi.update.comment".parse()?;
            let body = Value::parse(br#"{"msg": {"karma": 1}, "i": 1}"#)?;
            let body = body.as_object().cloned().unwrap_or_default();
            let signed = signer.sign(topic, body)?;
            self.message(name, signed.topic().as_bytes(), signed.bytes())?;
        }
        Ok(())
    }

    /// Writes what the wire specification has of messages, JSON, certificates and CRLs.
    fn wire_vectors(&self) -> Result<()> {
        let vectors = Value::parse(&fs::read(self.vectors.join("wire-vectors.json"))?)?;
        let list = |pointer| {
            vectors
                .pointer(pointer)
                .and_then(Value::as_array)
                .unwrap_or_default()
        };
        for (number, variant) in list("/x509/variants").iter().enumerate() {
            let body = variant
                .get("wire_json")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let topic = Value::parse_str(body)?;
            let topic = topic
                .get("topic")
                .and_then(Value::as_str)
                .unwrap_or_default();
            self.message(&format!("wire-{number}"), topic.as_bytes(), body.as_bytes())?;
        }
        for key in ["/canonical_json", "/relay_reencode", "/json_rejected"] {
            for (number, case) in list(key).iter().enumerate() {
                let json = case.get("in").unwrap_or(case).as_str().unwrap_or_default();
                self.write(
                    "json",
                    &format!("wire{}-{number}", key.replace('/', "-")),
                    json.as_bytes(),
                )?;
            }
        }
        let files = vectors.pointer("/chain/files").and_then(Value::as_object);
        for (name, pem) in files.into_iter().flat_map(|files| files.iter()) {
            let [name, pem] = [name.as_str(), pem.as_str()].map(Option::unwrap_or_default);
            self.pem(&format!("chain-{name}"), pem.as_bytes())?;
        }
        Ok(())
    }

    /// Writes the certificates and CRLs of the PKI.
    fn pki(&self) -> Result<()> {
        for folder in ["pki", "pki/rogue"] {
            for ending in [".crt", ".pem"] {
                for (name, pem) in self.files(folder, ending)? {
                    self.pem(&format!("{}-{name}", folder.replace('/', "-")), &pem)?;
                }
            }
        }
        Ok(())
    }

    fn pem(&self, name: &str, pem: &[u8]) -> Result<()> {
        if let Ok(list) = X509Crl::from_pem(pem) {
            let der = list.to_der()?;
            self.write("revocation_list", &format!("{name}-pem"), pem)?;
            self.write("revocation_list", &format!("{name}-der"), &der)?;
            return self.write("revocation_list", &format!("{name}-pss"), &as_pss(&der));
        }
        // A file may have a chain in it, of which one alone is read.
        self.write("certificate", &format!("{name}-file"), pem)?;
        for (number, certificate) in X509::stack_from_pem(pem)?.iter().enumerate() {
            self.certificate(&format!("{name}-{number}"), certificate)?;
        }
        Ok(())
    }

    fn certificate(&self, name: &str, certificate: &X509) -> Result<()> {
        let (pem, der) = (certificate.to_pem()?, certificate.to_der()?);
        self.write("certificate", &format!("{name}-pem"), &pem)?;
        self.write("certificate", &format!("{name}-der"), &der)?;
        self.write("certificate", &format!("{name}-pss"), &as_pss(&der))?;
        let line = encode_block(&der);
        self.write("base64", &format!("{name}-line"), line.as_bytes())
    }

    /// Writes the texts of the encoding vectors.
    fn json(&self) -> Result<()> {
        let cases = |path: &str| -> Result<Vec<Value>> {
            let vectors = Value::parse(&fs::read(self.vectors.join(path))?)?;
            Ok(vectors
                .get("cases")
                .and_then(Value::as_array)
                .unwrap_or_default()
                .to_vec())
        };
        for (number, case) in cases("encoding/canonical.json")?.iter().enumerate() {
            let json = case
                .get("json_b64")
                .and_then(Value::as_str)
                .unwrap_or_default();
            self.write("json", &format!("encoding-{number}"), &decode_block(json)?)?;
        }
        let floats = cases("encoding/floats.json")?;
        let floats = floats
            .iter()
            .filter_map(|case| case.pointer("/1")?.as_str());
        let floats = floats
            .collect::<Vec<_>>()
            .chunks(16)
            .map(|some| some.join(","))
            .collect::<Vec<_>>();
        for (number, floats) in floats.iter().enumerate() {
            self.write(
                "json",
                &format!("floats-{number}"),
                format!("[{floats}]").as_bytes(),
            )?;
        }
        Ok(())
    }

    /// Writes bodies that nest as deeply as is read, and a little more and less.
    fn nested(&self) -> Result<()> {
        for levels in MAX_DEPTH - 2..=MAX_DEPTH + 1 {
            let body = "[".repeat(levels) + &"]".repeat(levels);
            self.message(&format!("nested-{levels}"), b"org.t", body.as_bytes())?;
        }
        Ok(())
    }

    /// Writes patterns of every kind, each with a topic.
    fn topics(&self) -> Result<()> {
        let patterns =
            "\n*\n#\norg.t\norg.t.*\norg.t.#\norg.*.x\norg.#.x\n#.x\n*.#.x.#.*\na.#.a.#.a";
        for topic in [
            "",
            "org.t",
            "org.tt",
            "org.t.x.y",
            "org.a.b.x",
            "a.a.a.a",
            "a..\u{e9}",
        ] {
            let seed = format!("{patterns}\0{topic}");
            self.write("topic", &format!("topic-{topic}"), seed.as_bytes())?;
        }
        for (number, pattern) in patterns.lines().enumerate() {
            let seed = format!("{pattern}\0org.t.x");
            self.write("topic", &format!("pattern-{number}"), seed.as_bytes())?;
        }
        Ok(())
    }

    /// Writes the configurations in the style of the original's.
    fn programs(&self) -> Result<()> {
        for (name, text) in self.files("../fedmsg.d", ".py")? {
            self.write("python", &name, &text)?;
        }
        Ok(())
    }

    /// Returns the files of a folder whose names end so, by what is before that.
    fn files(&self, folder: &str, ending: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.vectors.join(folder))? {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if let Some(name) = name.strip_suffix(ending) {
                files.push((name.to_owned(), fs::read(&path)?));
            }
        }
        Ok(files)
    }

    fn write(&self, target: &str, name: &str, bytes: &[u8]) -> Result<()> {
        if bytes.len() > MAX_LENGTH {
            return Ok(());
        }
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), bytes)?)
    }
}

fn common_name(text: &str) -> std::result::Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_text("CN", text)?;
    Ok(name.build())
}

/// Returns a certificate or CRL that says that its signature is of another kind: such signatures
/// are given to OpenSSL. Both places must agree, which chance hardly ever brings about.
fn as_pss(der: &[u8]) -> Vec<u8> {
    /// The object identifiers 1.2.840.113549.1.1: those of PKCS #1.
    const PKCS_1: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01";
    const SHA1_WITH_RSA: u8 = 5;
    const PSS: u8 = 10;
    const SHA256_WITH_RSA: u8 = 11;
    let mut der = der.to_vec();
    for at in PKCS_1.len()..der.len() {
        let is_signature = matches!(der[at], SHA1_WITH_RSA | SHA256_WITH_RSA);
        if is_signature && der[..at].ends_with(PKCS_1) {
            der[at] = PSS;
        }
    }
    der
}
