//! The forms in which `fedmsg-tail` shows messages, as options.
//!
//! Part of [`super::TailArgs`]; makes the [`Form`].

use std::env;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use fedmsg_message::Query;
use fedmsg_message::text::Processors;

use super::form::{Credentials, Form, Shape, Time};
use super::jq::{Jq, Strings};
use super::template::Template;
use crate::commands::bad_expression::BadExpression;

/// In the order in which one takes the place of another.
#[derive(Debug, Args)]
#[command(next_help_heading = "Form")]
pub(super) struct FormArgs {
    /// The envelope as received, one line a message
    #[arg(long)]
    json: bool,

    /// Indented, with a readable time
    #[arg(long)]
    pretty: bool,

    /// Indented and coloured, as --color says
    #[arg(long)]
    really_pretty: bool,

    /// Only these fields of each message: dotted paths, separated by commas
    #[arg(long, value_name = "PATHS")]
    query: Option<String>,

    /// What it is about and what has happened, in words
    #[arg(long)]
    terse: bool,

    /// What has happened, as a cow would say it
    #[arg(long)]
    cowsay: bool,

    /// In your own words, a template of Jinja.
    ///
    /// It may name topic, msg, msg_id, timestamp, i and username as the message has them, title, subtitle,
    /// long_form, link, icon, agent, usernames, packages and processor as they follow from it, and body,
    /// the whole envelope. `{{ timestamp | strftime("%F %T") }}` is local time. To print what a message
    /// does not have is an error, and skips it: `{{ msg.x | default("-") }}`. So is one with
    /// which it takes more than a million steps.
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,

    /// What this expression of jq makes of each message, one line a result.
    ///
    /// The input is the envelope as received. Results are written as they come, in compact JSON; a
    /// message without any is not shown. An error skips the rest of the results of that message. Texts given
    /// to `fromjson` may nest as deep as messages may, 512 levels; there is no limit to what the
    /// expression itself makes. It cannot read input or modules.
    #[arg(long, value_name = "EXPRESSION")]
    jq: Option<String>,

    /// With --jq, write results that are strings without quotes
    #[arg(short, long, requires = "jq")]
    raw_output: bool,

    /// Whether --really-pretty has colours; auto: on a terminal, or with CLICOLOR_FORCE, but not with
    /// NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = clap::ColorChoice::Auto)]
    color: clap::ColorChoice,
}

/// Whether there are colours when nobody says so. The library takes any CLICOLOR_FORCE for a yes; 0 is none
/// (<https://bixense.com/clicolors/>).
fn is_coloured_by_itself() -> bool {
    let stdout = io::stdout();
    let is_forced = || env::var_os("CLICOLOR_FORCE").is_none_or(|it| it != "0");
    AutoStream::choice(&stdout) != ColorChoice::Never && (is_forced() || stdout.is_terminal())
}

impl FormArgs {
    /// Returns the form that is asked for: the last of several, in the order of the options above.
    pub(super) fn form(&self, processors: Arc<Processors>) -> Result<Form, BadExpression> {
        let is_terminal = io::stdout().is_terminal();
        let shape = if let Some(expression) = &self.jq {
            let strings = if self.raw_output {
                Strings::Raw
            } else {
                Strings::Quoted
            };
            Shape::Jq(Box::new(Jq::new(expression, strings, is_terminal)?))
        } else if let Some(template) = &self.format {
            let template = Template::new(template, processors, is_terminal)?;
            Shape::Template(Box::new(template))
        } else if self.cowsay {
            Shape::Cow(processors)
        } else if self.terse {
            Shape::Terse(processors)
        } else if let Some(paths) = &self.query {
            let credentials = if self.pretty {
                Credentials::Removed
            } else {
                Credentials::Kept
            };
            Shape::Query(Query::new(paths), credentials)
        } else if self.really_pretty {
            let colour = self.has_colour();
            let time = self.time();
            Shape::Indented { colour, time }
        } else if self.pretty {
            let (colour, time) = (false, Time::Readable);
            Shape::Indented { colour, time }
        } else if self.json {
            Shape::Received
        } else {
            Shape::Line
        };
        Ok(Form { shape, is_terminal })
    }

    fn time(&self) -> Time {
        if self.pretty {
            Time::Readable
        } else {
            Time::Number
        }
    }

    fn has_colour(&self) -> bool {
        match self.color {
            clap::ColorChoice::Always => true,
            clap::ColorChoice::Never => false,
            clap::ColorChoice::Auto => is_coloured_by_itself(),
        }
    }
}
