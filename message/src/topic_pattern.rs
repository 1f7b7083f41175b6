//! `TopicPattern`: which topics a consumer or endpoint wants.
//!
//! Written in configuration, matched by the subscriber, compiled into the router's
//! [`TopicIndex`](crate::TopicIndex).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A pattern of whole dotted segments.
///
/// | pattern | matches | not |
/// |---|---|---|
/// | `org.t` | `org.t` and everything below: `org.t.x`, `org.t.x.y` | `org.tt` |
/// | `org.t.*` | everything below, not `org.t` itself | `org.t` |
/// | `org.*.x` | `org.a.x`, exactly one segment for `*` | `org.x`, `org.a.b.x`, `org.a.x.y` |
/// | `org.#.x` | `org.x`, `org.a.x`, `org.a.b.x` | `org.a.x.y` |
/// | `org.t.#` | the same as `org.t` | `org.tt` |
/// | `*`, `#`, the empty pattern | everything, the empty topic too | |
///
/// So: `*` is exactly one segment, but one or more where it is the last of the pattern; `#` is
/// zero or more, anywhere. A pattern without a wildcard means the topic and what is below it; one
/// with a wildcard that ends in a literal means exactly that end.
///
/// The original deletes every `*` and takes what is left as a string prefix. The two agree on `*`,
/// on the empty pattern, on `org.t.*`, and on `org.t` as long as no sibling is called `org.tt`;
/// they differ on purpose where the original's reading surprises ([`TopicFilter`] keeps it for the
/// command line): `org.*.x` is not `org..x`, and `org.t` does not match `org.tt`. `zmq_strict`,
/// equality with the prefix, has no counterpart.
///
/// Every pattern matches some topic: there is none that could be warned about as dead.
///
/// [`TopicFilter`]: crate::TopicFilter
///
/// ```
/// use fedmsg_message::TopicPattern;
///
/// let pattern: TopicPattern = "org.fedoraproject.*.bodhi.#".parse()?;
/// assert!(pattern.matches("org.fedoraproject.prod.bodhi.update.comment"));
/// assert!(pattern.matches("org.fedoraproject.stg.bodhi"));
/// assert!(!pattern.matches("org.fedoraproject.prod.bodhix"));
/// assert_eq!(pattern.literal_prefix(), "org.fedoraproject.");
/// # Ok::<(), fedmsg_message::PatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TopicPattern {
    text: Box<str>,
    segments: Box<[Segment]>,
    /// How many bytes of `text` every matching topic starts with.
    prefix_length: usize,
}

/// What a pattern asks of a stretch of topic segments.
///
/// The spellings are brought to one form: no two `Rest` in a row, no `One` behind a `Rest`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    /// This very segment.
    Literal(Box<str>),
    /// Any one segment.
    One,
    /// Any segments, or none.
    Rest,
}

/// More segments than any topic in use has by far. It bounds the depth of the index, hence the
/// stack it needs.
const MAX_SEGMENTS: usize = 128;

impl TopicPattern {
    /// Returns the pattern that matches everything.
    pub fn everything() -> TopicPattern {
        TopicPattern {
            text: "#".into(),
            segments: [Segment::Rest].into(),
            prefix_length: 0,
        }
    }

    /// Returns whether the pattern matches every topic, however it is spelled.
    pub fn is_everything(&self) -> bool {
        // A topic has at least one segment, so "one or more" is everything, too.
        matches!(
            &*self.segments,
            [Segment::Rest] | [Segment::One, Segment::Rest]
        )
    }

    /// Returns whether the pattern matches a topic. Allocates nothing; takes time proportional to
    /// the length of the topic times, at worst, that of the pattern.
    pub fn matches(&self, topic: &str) -> bool {
        let starts_right = topic
            .as_bytes()
            .starts_with(self.literal_prefix().as_bytes());
        starts_right && matches(&self.segments, topic)
    }

    /// Returns the longest text every matching topic starts with: what to hand to
    /// `ZMQ_SUBSCRIBE`, which compares bytes and knows no segments.
    ///
    /// ```
    /// use fedmsg_message::TopicPattern;
    ///
    /// for (pattern, prefix) in [("org.t.*", "org.t."), ("org.t.#", "org.t"), ("#.x", "")] {
    ///     assert_eq!(pattern.parse::<TopicPattern>()?.literal_prefix(), prefix);
    /// }
    /// # Ok::<(), fedmsg_message::PatternError>(())
    /// ```
    pub fn literal_prefix(&self) -> &str {
        self.text.get(..self.prefix_length).unwrap_or_default()
    }

    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the segments in their one form.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// Matches by walking both; on a mismatch the last `Rest` takes one more segment.
fn matches(mut pattern: &[Segment], topic: &str) -> bool {
    let mut topic = topic.split('.');
    let mut retry = None;
    loop {
        let matched = match pattern.split_first() {
            Some((Segment::Rest, [])) => return true,
            Some((Segment::Rest, after)) => {
                retry = Some((after, topic.clone()));
                pattern = after;
                continue;
            }
            Some((segment, after)) => {
                pattern = after;
                match (segment, topic.next()) {
                    // Taking more would leave even less.
                    (_, None) => return false,
                    (Segment::Literal(literal), Some(segment)) => **literal == *segment,
                    _ => true,
                }
            }
            None if topic.next().is_none() => return true,
            None => false,
        };
        if !matched {
            let Some((after, longer)) = &mut retry else {
                return false;
            };
            if longer.next().is_none() {
                return false;
            }
            (pattern, topic) = (*after, longer.clone());
        }
    }
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A wildcard inside a longer segment.
    #[error("wildcards stand for whole segments, not for a part of `{segment}`: write {advice}")]
    PartialWildcard {
        /// The segment.
        segment: String,
        /// What to write instead.
        advice: String,
    },
    /// A control character, which no topic to be sent can have.
    #[error("control character {character:?} at byte {position} of the pattern")]
    ControlCharacter {
        /// The character.
        character: char,
        /// Where it is, in bytes from the start.
        position: usize,
    },
    /// More than 128 segments.
    #[error("{segments} segments, at most {MAX_SEGMENTS} are allowed")]
    TooManySegments {
        /// How many there are.
        segments: usize,
    },
}

impl FromStr for TopicPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<TopicPattern, PatternError> {
        if let Some((position, character)) = text
            .char_indices()
            .find(|(_, character)| character.is_control())
        {
            return Err(PatternError::ControlCharacter {
                character,
                position,
            });
        }
        let count = text.split('.').count();
        if count > MAX_SEGMENTS {
            return Err(PatternError::TooManySegments { segments: count });
        }
        if matches!(text, "" | "*") {
            return Ok(TopicPattern {
                text: text.into(),
                ..TopicPattern::everything()
            });
        }
        let segments = normalized(text)?;
        let prefix_length = prefix_length(&segments);
        Ok(TopicPattern {
            text: text.into(),
            segments: segments.into(),
            prefix_length,
        })
    }
}

/// Returns the segments of a pattern in their one form.
fn normalized(text: &str) -> Result<Vec<Segment>, PatternError> {
    let mut segments: Vec<Segment> = Vec::new();
    for segment in text.split('.') {
        match segment {
            // "Any, then one" is "one, then any": the open end goes last.
            "*" if segments.last() == Some(&Segment::Rest) => {
                segments.insert(segments.len() - 1, Segment::One);
            }
            "*" => segments.push(Segment::One),
            "#" if segments.last() == Some(&Segment::Rest) => {}
            "#" => segments.push(Segment::Rest),
            partial if is_partial_wildcard(partial) => return Err(partial_wildcard(text, partial)),
            literal => segments.push(Segment::Literal(literal.into())),
        }
    }
    let has_wildcard = segments
        .iter()
        .any(|segment| !matches!(segment, Segment::Literal(_)));
    if !has_wildcard || segments.last() == Some(&Segment::One) {
        segments.push(Segment::Rest);
    }
    Ok(segments)
}

/// Returns the length of what every matching topic starts with.
fn prefix_length(segments: &[Segment]) -> usize {
    let mut segments = segments.iter().peekable();
    let mut length = 0;
    while let Some(Segment::Literal(literal)) = segments.peek() {
        length += literal.len() + ".".len();
        segments.next();
    }
    // The last dot belongs to it only if another segment is sure to follow.
    let is_sure = segments.any(|segment| *segment != Segment::Rest);
    if is_sure {
        length
    } else {
        length.saturating_sub(1)
    }
}

fn is_partial_wildcard(segment: &str) -> bool {
    segment.len() > 1 && segment.contains(['*', '#'])
}

/// Says what to write instead of a segment such as `bodhi*`.
fn partial_wildcard(pattern: &str, segment: &str) -> PatternError {
    let literal = segment.replace(['*', '#'], "");
    let whole = |replacement: &str| {
        let replaced = pattern.split('.').map(|each| match each {
            each if each == segment => replacement,
            each if is_partial_wildcard(each) => "*",
            each => each,
        });
        replaced.collect::<Vec<_>>().join(".")
    };
    let advice = if literal.is_empty() {
        format!("`{}`", whole("#"))
    } else if pattern.ends_with(segment) {
        format!(
            "`{}` (that topic and below) or `{}` (any segment)",
            whole(&literal),
            whole("*")
        )
    } else {
        format!("`{}` or `{}`", whole(&literal), whole("*"))
    };
    PatternError::PartialWildcard {
        segment: segment.to_owned(),
        advice,
    }
}

impl TryFrom<&str> for TopicPattern {
    type Error = PatternError;

    fn try_from(text: &str) -> Result<TopicPattern, PatternError> {
        text.parse()
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), formatter)
    }
}

impl fmt::Debug for TopicPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl Serialize for TopicPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TopicPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TopicPattern, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
