//! How `fedmsg-tail` writes a message.

use std::borrow::Cow;
use std::io::{self, Write};

use fedmsg::json::{self, Value};
use fedmsg::{DecodeError, Envelope};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::highlight::Highlight;
use super::sink::write_text;

/// A form of output.
#[derive(Debug)]
pub(super) enum Form {
    /// One line of JSON without signature and certificate.
    Line,
    /// The body as received, on one line.
    Received,
    /// Indented, without credentials, the time as ctime(3) would write it.
    Pretty,
    /// Indented, without credentials, the time as a number.
    ReallyPretty {
        /// Whether strings and numbers are coloured.
        colour: bool,
    },
    /// The values at some dotted paths.
    Query(Vec<Vec<String>>),
}

impl Form {
    /// The form for `--query`: paths separated by commas, each of names separated by dots.
    pub(super) fn query(paths: &str) -> Self {
        let path = |path: &str| path.trim().split('.').map(str::to_owned).collect();
        Self::Query(paths.split(',').map(path).collect())
    }

    /// Writes a message. The inner error is the message's: it is malformed, and nothing was written.
    pub(super) fn write(
        &self,
        envelope: Envelope,
        out: &mut impl Write,
    ) -> io::Result<Result<(), DecodeError>> {
        if let Self::Received = self {
            return received(&envelope, out);
        }
        if let Err(error @ (DecodeError::Json(_) | DecodeError::BodyNotUtf8 { .. })) =
            envelope.strict()
        {
            return Ok(Err(error.clone()));
        }
        match self {
            Self::Line | Self::Received => {
                let line = text(json::to_spaced(&envelope.without_credentials()));
                writeln!(out, "{line}")?;
            }
            Self::Pretty => {
                let mut body = envelope.without_credentials();
                make_readable(&mut body);
                indented(out, &body)?;
            }
            Self::ReallyPretty { colour: false } => {
                indented(out, &envelope.without_credentials())?;
            }
            Self::ReallyPretty { colour: true } => {
                coloured(out, &envelope.without_credentials())?;
            }
            Self::Query(paths) => {
                let values: Vec<_> = paths.iter().map(|path| at(envelope.body(), path)).collect();
                writeln!(out, "{}", values.join(", "))?;
            }
        }
        Ok(Ok(()))
    }
}

/// Writes the body byte for byte if it is one line already, else the same JSON on one line.
fn received(envelope: &Envelope, out: &mut impl Write) -> io::Result<Result<(), DecodeError>> {
    let shape = match json::skim(envelope.bytes()) {
        Ok(shape) => shape,
        Err(error) => return Ok(Err(error.into())),
    };
    // `contains` looks for one byte many times faster than any closure for either of two.
    let is_one_line = !envelope.bytes().contains(&b'\n') && !envelope.bytes().contains(&b'\r');
    let line = if shape == json::Shape::Envelope && is_one_line {
        Cow::Borrowed(&envelope.bytes()[..])
    } else {
        Cow::Owned(text(json::to_spaced(envelope.body())).into_bytes())
    };
    out.write_all(&line)?;
    out.write_all(b"\n")?;
    Ok(Ok(()))
}

/// Writes an empty line and the body, without ever holding all of that text.
fn indented(out: &mut impl Write, body: &Value) -> io::Result<()> {
    out.write_all(b"\n")?;
    write_text(out, |text| json::write_pretty(text, body))?;
    out.write_all(b"\n")
}

/// The same in colour.
fn coloured(out: &mut impl Write, body: &Value) -> io::Result<()> {
    out.write_all(b"\n")?;
    write_text(out, |text| {
        let mut text = Highlight::new(text);
        json::write_pretty(&mut text, body)?;
        Ok(text.finish()?)
    })?;
    out.write_all(b"\n")
}

/// A body that was received is never nested too deep to be written.
fn text<E>(written: Result<String, E>) -> String {
    written.unwrap_or_default()
}

/// Writes the time as the original does: local time in the form of ctime(3).
fn make_readable(body: &mut Value) {
    let Some(timestamp) = body
        .as_object_mut()
        .and_then(|body| body.get_mut("timestamp"))
    else {
        return;
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds are wanted, and saturate"
    )]
    let seconds = timestamp.as_f64().map(|seconds| seconds as i64);
    if let Some(time) = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
        let local = time.to_zoned(TimeZone::system());
        *timestamp = Value::from(local.strftime("%a %b %e %H:%M:%S %Y").to_string());
    }
}

/// The value at a path: strings bare, everything else as JSON, `null` for what is not there.
fn at(body: &Value, path: &[String]) -> String {
    let found = path.iter().try_fold(body, |value, name| value.get(name));
    match found {
        Some(Value::String(text)) => text.to_string_lossy().into_owned(),
        Some(value) => text(json::to_spaced(value)),
        None => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests;
