//! `Field`: the members that carry a signature, read from a body and taken out of it.

use std::fmt;

use super::backend::Backend;
use super::base64::{self, Base64Error};
use super::strong_signature;
use crate::envelope::CREDENTIALS;
use crate::json::{Object, Value};
use crate::verdict::Refusal;

/// A member of a body without which a signature means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The signature, in base64.
    Signature,
    /// The certificate: PEM, in base64 once more.
    Certificate,
    /// The payload, which is all that gpg covers.
    Msg,
}

impl Field {
    /// Returns the name of the member.
    pub fn name(self) -> &'static str {
        match self {
            Field::Signature => "signature",
            Field::Certificate => "certificate",
            Field::Msg => "msg",
        }
    }

    /// Returns the text of the member.
    pub(super) fn text(self, body: &Object) -> Result<&str, Refusal> {
        match body.get(self.name()) {
            None => Err(Refusal::MissingField(self)),
            Some(Value::String(text)) => text
                .as_str()
                .ok_or(Refusal::BadBase64(self, Base64Error::NotAscii)),
            Some(_) => Err(Refusal::FieldNotText(self)),
        }
    }

    /// Returns the bytes of which the member is the base64.
    pub(super) fn bytes(self, body: &Object) -> Result<Vec<u8>, Refusal> {
        base64::decode_lenient(self.text(body)?).map_err(|error| Refusal::BadBase64(self, error))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Returns how a body says it is signed (fedmsg wire specification §3.5).
///
/// # Errors
///
/// [`Refusal::Unsigned`], [`Refusal::UnknownBackend`].
pub(super) fn claimed_backend(body: &Object) -> Result<Backend, Refusal> {
    let has = |field: Field| body.contains_key(field.name());
    match body.get("crypto") {
        // A hub that strips credentials leaves `crypto`.
        Some(_) if !has(Field::Signature) && !has(Field::Certificate) => Err(Refusal::Unsigned),
        Some(crypto) => {
            let backend = crypto.as_str().and_then(|name| name.parse().ok());
            backend.ok_or(Refusal::UnknownBackend)
        }
        // Senders of long ago do not say.
        None if has(Field::Certificate) => Ok(Backend::X509),
        None if has(Field::Signature) => Ok(Backend::Gpg),
        None => Err(Refusal::Unsigned),
    }
}

/// Returns the name of the first member of a body that carries a signature or belongs to one.
pub(super) fn first_of(body: &Object) -> Option<&'static str> {
    let [signature, certificate] = CREDENTIALS;
    let names = [signature, certificate, strong_signature::MEMBER];
    names.into_iter().find(|name| body.contains_key(name))
}

/// Takes out of a body what a signer would add: `signature`, `certificate` and
/// `strong_signature`. `crypto` stays, as in the original's function of this name.
///
/// To sign a message again, a relay has to do this first: signatures cover everything that is
/// there, and readers leave these members out.
pub fn strip_credentials(body: &mut Object) {
    while let Some(name) = first_of(body) {
        body.remove(name);
    }
}
