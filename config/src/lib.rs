//! What was asked: the typed settings of every program on the bus.
//!
//! Settings come from TOML files, environment variables and flags ([`Sources`]), are merged and
//! checked in one go ([`Config::load`]), and are plain structs from then on. Every problem is
//! reported at once, with file and line ([`ConfigErrors`]); where each value came from stays known
//! ([`Origins`]).
//!
//! | to | see |
//! |---|---|
//! | read the settings of a program | [`Sources`], [`Config::load`], [`Loaded`] |
//! | read them from a text, in a test or an example | [`Config::from_toml`] |
//! | show settings, and where each came from | [`Listing`], [`Origins`] |
//! | carry a configuration of the original over | [`import()`], [`python`] |
//! | know what can be set | [`Config`], [`ConsumerConfig`], [`ProducerConfig`], [`REFERENCE`] |
//! | give a kind its own settings | [`Params`], [`duration`], [`ByteSize`] |

// What can be set.
mod config;
mod consumer_config;
mod mailbox_config;
mod producer_config;
mod reference;
mod restart_config;
mod retry_config;

// What settings are made of.
mod byte_size;
pub mod duration;
mod endpoint;
mod endpoint_name;
mod endpoints;
mod file_mode;
mod location;
mod monitoring_address;
mod params;
mod schedule;
mod schema;
mod socket_options;

// How they are read.
mod document;
mod environment;
mod extract;
mod files;
mod integer;
mod layer;
mod listing;
mod load;
mod one_or_many;
mod sources;

// What is made of the original's files.
mod import;
pub mod python;

// What is said about them.
mod error;
mod key_path;
mod origin;
mod origins;
mod position;
mod problem;
mod suggestion;

pub use self::byte_size::{ByteSize, ByteSizeError};
pub use self::config::Config;
pub use self::consumer_config::{ConsumerConfig, Source};
pub use self::duration::DurationError;
pub use self::endpoint::{Endpoint, EndpointError, Scheme};
pub use self::endpoint_name::EndpointName;
pub use self::endpoints::Endpoints;
pub use self::error::{ConfigError, ConfigErrors};
pub use self::file_mode::{FileMode, FileModeError};
pub use self::import::{Imported, Note, PythonFile, Weight, import};
pub use self::key_path::{KeyPath, Segment};
pub use self::listing::{Listing, Setting};
pub use self::load::{Examined, Loaded};
pub use self::location::{Location, LocationError};
pub use self::mailbox_config::{MailboxConfig, WhenFull};
pub use self::monitoring_address::{MonitoringAddress, MonitoringAddressError};
pub use self::origin::Origin;
pub use self::origins::Origins;
pub use self::params::{Params, ParamsError};
pub use self::position::Position;
pub use self::problem::Problem;
pub use self::producer_config::{Missed, OnError, ProducerConfig};
pub use self::reference::{DEFAULT_HUB, REFERENCE};
pub use self::restart_config::RestartConfig;
pub use self::retry_config::RetryConfig;
pub use self::schedule::{CronSchedule, SHORTEST_INTERVAL, Schedule, ScheduleError};
pub use self::socket_options::SocketOptions;
pub use self::sources::{MESSAGE_VARIABLES, Sources};
pub use self::suggestion::advise;
