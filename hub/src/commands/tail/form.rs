//! How `fedmsg-tail` writes a message.
//!
//! [`super::Tail`] has one [`Form`] for all messages.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use fedmsg::json::{self, Value};
use fedmsg::{DecodeError, Envelope};
use fedmsg_message::Query;
use fedmsg_message::text::Processors;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cow::cow;
use super::highlight::Highlight;
use super::jq::Jq;
use super::plain::plain;
use super::sink::write_text;
use super::template::Template;

/// A form of output, and whether it goes to a terminal: one that shows texts as they are escapes the
/// control characters in them then.
pub(super) struct Form {
    pub(super) shape: Shape,
    pub(super) is_terminal: bool,
}

/// What a message looks like.
pub(super) enum Shape {
    /// One line of JSON without signature and certificate.
    Line,
    /// The body as received, on one line.
    Received,
    /// Indented, without credentials.
    Indented {
        /// Whether strings and numbers are coloured.
        colour: bool,
        time: Time,
    },
    /// The values at some dotted paths.
    Query(Query, Credentials),
    /// Title, subtitle and link.
    Terse(Arc<Processors>),
    /// The subtitle, from the mouth of a cow.
    Cow(Arc<Processors>),
    /// In the user's own words.
    Template(Box<Template>),
    /// What an expression makes of it.
    Jq(Box<Jq>),
}

/// How the time of a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// As it came.
    Number,
    /// As ctime(3) would write it.
    Readable,
}

/// What a query sees of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credentials {
    /// All that came.
    Kept,
    /// No credentials, and the time in words, as with `--pretty`.
    Removed,
}

/// What became of a message.
#[derive(Debug)]
pub(super) enum Written {
    /// It has been shown.
    Shown,
    /// The expression had nothing to show of it.
    Nothing,
    /// It is malformed, and nothing was written.
    Malformed(DecodeError),
    /// The template or the expression fails with it; what jq found before that was written.
    Failed {
        /// Why.
        error: String,
        /// Whether anything of it was written.
        has_shown: bool,
    },
}

impl Form {
    /// Writes a message. The error is that of `out`.
    pub(super) fn write(&self, envelope: Envelope, out: &mut impl Write) -> io::Result<Written> {
        if let Shape::Received = self.shape {
            return received(&envelope, out);
        }
        if let Err(error @ (DecodeError::Json(_) | DecodeError::BodyNotUtf8 { .. })) =
            envelope.strict()
        {
            return Ok(Written::Malformed(error.clone()));
        }
        match &self.shape {
            Shape::Line | Shape::Received => {
                let line = text(json::to_spaced(&envelope.without_credentials()));
                writeln!(out, "{line}")?;
            }
            Shape::Indented { colour, time } => {
                let body = readable(envelope, *time);
                if *colour {
                    coloured(out, &body)?;
                } else {
                    indented(out, &body)?;
                }
            }
            Shape::Query(query, Credentials::Kept) => {
                let values = values(query, envelope.body());
                writeln!(out, "{}", self.for_output(&values))?;
            }
            Shape::Query(query, Credentials::Removed) => {
                let values = values(query, &readable(envelope, Time::Readable));
                writeln!(out, "{}", self.for_output(&values))?;
            }
            Shape::Terse(processors) => {
                let line = processors.read(envelope.body()).repr();
                writeln!(out, "\n{}", self.for_output(&line))?;
            }
            Shape::Cow(processors) => {
                let said = processors.read(envelope.body()).subtitle();
                writeln!(out, "\n{}", cow(&plain(&said)))?;
            }
            Shape::Template(template) => match template.render(&envelope) {
                Ok(text) => writeln!(out, "{text}")?,
                Err(error) => {
                    let has_shown = false;
                    return Ok(Written::Failed { error, has_shown });
                }
            },
            Shape::Jq(jq) => {
                let results = jq.run(envelope.body(), out)?;
                return Ok(match (results.error, results.written) {
                    (Some(error), written) => {
                        let has_shown = written > 0;
                        Written::Failed { error, has_shown }
                    }
                    (None, 0) => Written::Nothing,
                    (None, _) => Written::Shown,
                });
            }
        }
        Ok(Written::Shown)
    }

    fn for_output<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_terminal {
            plain(text)
        } else {
            Cow::Borrowed(text)
        }
    }
}

/// Writes the body byte for byte if it is one line already, else the same JSON on one line.
fn received(envelope: &Envelope, out: &mut impl Write) -> io::Result<Written> {
    let shape = match json::skim(envelope.bytes()) {
        Ok(shape) => shape,
        Err(error) => return Ok(Written::Malformed(error.into())),
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
    Ok(Written::Shown)
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

/// The body without credentials.
fn readable(envelope: Envelope, time: Time) -> Value {
    let mut body = envelope.without_credentials();
    if time == Time::Readable {
        make_readable(&mut body);
    }
    body
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

/// The values that are asked for: strings bare, everything else as JSON, `null` for what is not there.
fn values(query: &Query, body: &Value) -> String {
    let values = query.of(body).map(|(_, found)| match found {
        Some(Value::String(text)) => text.to_string_lossy().into_owned(),
        Some(value) => text(json::to_spaced(value)),
        None => "null".to_owned(),
    });
    values.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
