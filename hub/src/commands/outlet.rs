//! `Outlet`: publishes through the relay, for commands that come and go.
//!
//! Used by `fedmsg-logger`, `fedmsg-announce` and `fedmsg-dg-replay`; it turns what goes wrong into a
//! complaint and an exit status.

use std::time::Duration;

use fedmsg::blocking::{BlockingError, Publisher};
use fedmsg::{Audience, Envelope, Message, PublishError, Published};
use fedmsg_config::Config;
use toml::Table;

use super::common::fail;
use crate::exit::Exit;

/// A publisher that is connected to the relay.
pub(crate) struct Outlet(Publisher);

impl Outlet {
    /// The setting that makes a publisher connect to the relay, as a flag of the command line.
    pub(crate) fn flags() -> Table {
        Table::from_iter([("active".to_owned(), true.into())])
    }

    /// Opens it under `config`, which has the settings of [`Outlet::flags`].
    pub(crate) fn open(config: Config) -> Result<Self, Exit> {
        Publisher::open(config)
            .map(Self)
            .map_err(|error| unpublished(&error))
    }

    /// Publishes `message`; waits for the relay, up to `timeout`.
    pub(crate) fn publish(&self, message: Message) -> Result<Published, Exit> {
        let published = self.0.publish(message);
        published.map_err(|error| unpublished(&error))
    }

    /// Publishes `message`, which was read from this line of the input.
    pub(crate) fn publish_line(&self, message: Message, line: u64) -> Result<Published, Exit> {
        self.0.publish(message).map_err(|error| {
            let what = format_args!("line {line} and what follows not published: {error}");
            fail(status(&error), what)
        })
    }

    /// Sends a message of somebody else as it is; waits for the relay for at most `patience`.
    pub(crate) fn forward(&self, envelope: &Envelope, patience: Duration) -> Result<(), Exit> {
        let topic = envelope.topic();
        if self.0.wait_for_subscriber(topic, patience) == Audience::Nobody {
            let nobody = PublishError::NoSubscriber {
                topic: topic.clone(),
                relays: self.0.addresses().to_vec(),
                waited: patience,
            };
            return Err(unpublished(&nobody.into()));
        }
        let sent = self.0.forward(topic, envelope.bytes());
        sent.map(drop).map_err(|error| unpublished(&error))
    }

    /// Fails if the relay went away after something was published. What is still on its way gets
    /// `zmq_linger` when this is dropped.
    pub(crate) fn close(self) -> Result<(), Exit> {
        match self.0.flush().deserted {
            0 => Ok(()),
            times => Err(fail(
                Exit::Unavailable,
                format_args!(
                    "the relay went away ({times}): what was sent just before may be lost"
                ),
            )),
        }
    }
}

fn unpublished(error: &BlockingError) -> Exit {
    fail(status(error), format_args!("not published: {error}"))
}

fn status(error: &BlockingError) -> Exit {
    match error {
        BlockingError::Publish(
            PublishError::Encode(_) | PublishError::Topic(_) | PublishError::TooLarge { .. },
        ) => Exit::Data,
        BlockingError::Publish(PublishError::Signing(_)) => Exit::Config,
        BlockingError::Runtime(_) => Exit::Io,
        _ => Exit::Unavailable,
    }
}
