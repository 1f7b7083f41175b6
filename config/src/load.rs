//! Puts all sources on top of each other and reads the result: the only file that names figment.
//!
//! The command line calls [`Config::load`], tests and examples [`Config::from_toml`]. figment
//! decides, for each key, which source wins; the value and its place come from that source, as
//! written.

use std::path::PathBuf;
use std::sync::Arc;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use toml::Table;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::{ConfigError, ConfigErrors};
use crate::extract::extract;
use crate::files::Files;
use crate::key_path::{KeyPath, Segment};
use crate::layer::Layer;
use crate::origin::Origin;
use crate::origins::Origins;
use crate::problem::Problem;
use crate::sources::{CONFIG_VARIABLE, Sources};

/// What the text of [`Config::from_toml`] is called in messages.
const TEXT: &str = "text";
/// What the text of [`Sources::fallback`] is called in messages.
const FALLBACK: &str = "built-in configuration";

/// A configuration as far as it can be read, and everything that is wrong with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Examined {
    /// The configuration; where there are errors, without what is at fault, which has its default. It is
    /// missing when nothing could be made of it.
    pub loaded: Option<Loaded>,
    /// The errors, if there are any.
    pub errors: Option<ConfigErrors>,
}

/// A configuration, and how it came about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Where each of them came from.
    pub origins: Origins,
    /// The files that were read, the one that yields to all others first.
    pub files: Vec<PathBuf>,
    /// Whether [`Sources::fallback`] took the place of files, because there was none.
    pub used_fallback: bool,
    /// What is hardly as it should be, but stops nobody.
    pub warnings: Vec<Arc<ConfigError>>,
}

impl Config {
    /// Reads the configuration from all of its sources; [`Sources`] says in which order they win.
    ///
    /// # Errors
    ///
    /// Every problem at once: files that were named and do not exist, that cannot be read or are
    /// not TOML, unknown keys, values of a wrong type or out of range, missing keys, producers
    /// without a schedule. When a file is not TOML, keys that are only missing are not reported.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let Examined { loaded, errors } = Self::examine(sources);
        match (errors, loaded) {
            (None, Some(loaded)) => Ok(loaded),
            (Some(errors), _) => Err(errors),
            (None, None) => Err(unreadable(&Origins::default())),
        }
    }

    /// Reads as much of the configuration as can be read, for those who look for more that is wrong with
    /// it than [`Config::load`] does.
    ///
    /// ```
    /// use fedmsg_config::{Config, Sources};
    ///
    /// let sources = Sources {
    ///     root: "/nonexistent".into(),
    ///     cwd: "/nonexistent".into(),
    ///     flags: toml::toml! {
    ///         active = 5
    ///         environment = "stg"
    ///     },
    ///     ..Sources::default()
    /// };
    /// let examined = Config::examine(&sources);
    /// assert_eq!(examined.errors.map(|errors| errors.len()), Some(1));
    /// assert_eq!(examined.loaded.expect("all but that").config.environment, "stg");
    /// ```
    pub fn examine(sources: &Sources) -> Examined {
        let Files {
            mut layers,
            paths,
            mut errors,
            mut warnings,
        } = Files::read(sources);
        let mut used_fallback = false;
        if let Some(text) = sources.fallback
            && paths.is_empty()
            && errors.is_empty()
        {
            used_fallback = true;
            let source = Origin::Text {
                name: FALLBACK,
                position: None,
            };
            match Layer::parse(source, text) {
                Ok(layer) => layers.push(layer),
                Err(problems) => errors.extend(problems),
            }
        }
        let mut not_settings = sources.not_settings.clone();
        not_settings.push(CONFIG_VARIABLE.to_owned());
        let variables = Environment::read(&sources.env, &not_settings, &keys_of_the_top());
        layers.extend(variables.layers);
        errors.extend(variables.errors);
        warnings.extend(variables.warnings);
        layers.push(Layer::new(Origin::Flag, sources.flags.clone()));
        let Reading { read, errors } = read(layers, errors);
        let loaded = read.map(|(config, origins)| Loaded {
            config,
            origins,
            files: paths,
            used_fallback,
            warnings: warnings.into_iter().map(Arc::new).collect(),
        });
        Examined { loaded, errors }
    }

    /// Reads the configuration from a TOML text alone; what it does not say has the default.
    ///
    /// # Errors
    ///
    /// Every problem at once, each with its line.
    pub fn from_toml(text: &str) -> Result<Self, ConfigErrors> {
        let source = Origin::Text {
            name: TEXT,
            position: None,
        };
        let (layers, errors) = match Layer::parse(source, text) {
            Ok(layer) => (vec![layer], Vec::new()),
            Err(errors) => (Vec::new(), errors),
        };
        let Reading { read, errors } = read(layers, errors);
        match (errors, read) {
            (None, Some((config, _))) => Ok(config),
            (Some(errors), _) => Err(errors),
            (None, None) => Err(unreadable(&Origins::default())),
        }
    }
}

/// What came of reading layers.
struct Reading {
    read: Option<(Config, Origins)>,
    errors: Option<ConfigErrors>,
}

fn unreadable(origins: &Origins) -> ConfigErrors {
    let problem = Problem::Invalid("the configuration cannot be read".to_owned());
    origins.error(KeyPath::root(), problem).into()
}

/// Merges the layers on top of the defaults and reads the result. `errors` are the problems of the
/// sources that gave no layer.
fn read(mut layers: Vec<Layer>, mut errors: Vec<ConfigError>) -> Reading {
    let is_complete = errors.is_empty();
    let merged = defaults().and_then(|defaults| {
        layers.insert(0, defaults);
        merge(&layers)
    });
    let (table, origins) = match merged {
        Ok(merged) => merged,
        Err(errors) => {
            return Reading {
                read: None,
                errors: Some(errors),
            };
        }
    };
    let extraction = extract::<Config>(&table);
    let schedules = extraction
        .value
        .as_ref()
        .map(bad_schedules)
        .unwrap_or_default();
    let schedules = schedules.into_iter().filter(|(producer, ..)| {
        !extraction
            .problems
            .iter()
            .any(|(path, _)| path.starts_with(producer))
    });
    let schedules = schedules
        .map(|(_, path, problem)| (path, problem))
        .collect::<Vec<_>>();
    for (path, problem) in extraction.problems.into_iter().chain(schedules) {
        // What is missing may stand in the file that could not be read.
        let is_certain = is_complete || !is_about_absence(&problem);
        if is_certain {
            let advice = misplaced(&path, &problem, &origins.of(&path));
            let mut error = origins.error(path, problem);
            error.suggestion = advice.or(error.suggestion);
            errors.push(error);
        }
    }
    let errors = ConfigErrors::from_vec(errors);
    let read = extraction.value.map(|config| (config, origins));
    Reading { read, errors }
}

fn is_about_absence(problem: &Problem) -> bool {
    use crate::schedule::ScheduleError::{Missing, TimeZoneWithoutCron};
    matches!(
        problem,
        Problem::MissingKey | Problem::Schedule(Missing | TimeZoneWithoutCron)
    )
}

/// TOML gives whatever follows a `[table]` to that table, which is easily forgotten: says so of a
/// key of the top that stands in a table where it is at fault.
fn misplaced(path: &KeyPath, problem: &Problem, origin: &Origin) -> Option<String> {
    let (Some(table), Some(Segment::Key(key))) = (path.parent(), path.last()) else {
        return None;
    };
    let is_strange = matches!(
        problem,
        Problem::UnknownKey { .. } | Problem::WrongType { .. }
    );
    let is_in_a_file = matches!(origin, Origin::File { .. } | Origin::Text { .. });
    let is_meant =
        !table.is_root() && is_strange && is_in_a_file && keys_of_the_top().contains(key);
    is_meant.then(|| format!("to set {key} itself, write it above the first [table] of the file"))
}

/// Returns all keys of the top, those included that have no default: the reader names them to whoever
/// asks for one that there is not.
fn keys_of_the_top() -> Vec<String> {
    let nameless = Table::from_iter([(String::new(), toml::Value::Boolean(true))]);
    let mut problems = extract::<Config>(&nameless).problems.into_iter();
    let known = problems.find_map(|(_, problem)| match problem {
        Problem::UnknownKey { known } => Some(known),
        _ => None,
    });
    known.unwrap_or_default()
}

/// Returns the producers whose schedule is unusable, with the key to blame.
fn bad_schedules(config: &Config) -> Vec<(KeyPath, KeyPath, Problem)> {
    let producers = config.producers.iter();
    let bad = producers.flat_map(|(name, producer)| {
        let errors = producer.schedule_errors();
        let producer = KeyPath::from(["producers", name]);
        errors.into_iter().map(move |error| {
            let blamed = error.key().map(|key| producer.child(key));
            let blamed = blamed.unwrap_or_else(|| producer.clone());
            (producer.clone(), blamed, Problem::Schedule(error))
        })
    });
    bad.collect()
}

fn defaults() -> Result<Layer, ConfigErrors> {
    match Table::try_from(Config::default()) {
        Ok(table) => Ok(Layer::new(Origin::Default, table)),
        Err(error) => Err(internal(&error)),
    }
}

/// Neither writing the defaults nor merging tables can fail; should it, that is said and not
/// hidden.
fn internal(error: &dyn std::fmt::Display) -> ConfigErrors {
    let problem = Problem::Invalid(error.to_string());
    ConfigError::new(Origin::Default, KeyPath::root(), problem).into()
}

/// Merges `layers`, the lowest first.
fn merge(layers: &[Layer]) -> Result<(Table, Origins), ConfigErrors> {
    let figment = layers
        .iter()
        .enumerate()
        .fold(Figment::new(), |figment, (number, layer)| {
            figment.merge(Numbered { number, layer })
        });
    let merged = figment.find_value("").map_err(|error| internal(&error))?;
    let mut table = Table::new();
    let mut origins = Origins::default();
    if let Value::Dict(_, merged) = &merged {
        let merge = Merge {
            figment: &figment,
            layers,
        };
        merge.collect(merged, &KeyPath::root(), &mut table, &mut origins);
    }
    Ok((table, origins))
}

/// A layer as figment takes it: its tables, and for each other value a mark of which only the place
/// and the number of the layer matter.
struct Numbered<'a> {
    number: usize,
    layer: &'a Layer,
}

impl Provider for Numbered<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.layer.source.to_string()).source(self.number.to_string())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(outline(&self.layer.document.table)))
    }
}

fn outline(table: &Table) -> Dict {
    let mark = |value: &toml::Value| match value {
        toml::Value::Table(table) => Value::from(outline(table)),
        _ => Value::from(true),
    };
    table
        .iter()
        .map(|(key, value)| (key.clone(), mark(value)))
        .collect()
}

/// Puts the values of the layers where figment's merging has put their marks.
struct Merge<'a> {
    figment: &'a Figment,
    layers: &'a [Layer],
}

impl Merge<'_> {
    fn collect(&self, merged: &Dict, path: &KeyPath, table: &mut Table, origins: &mut Origins) {
        for (key, mark) in merged {
            let path = path.child(key.as_str());
            let Some(layer) = self.layer(mark) else {
                continue;
            };
            origins.insert(path.clone(), layer.origin(&path));
            if let Value::Dict(_, merged) = mark {
                let mut below = Table::new();
                self.collect(merged, &path, &mut below, origins);
                table.insert(key.clone(), toml::Value::Table(below));
            } else if let Some(value) = layer.value(&path) {
                table.insert(key.clone(), value.clone());
                let items = layer.document.positions.range(path.clone()..).skip(1);
                for (item, _) in items.take_while(|(item, _)| item.starts_with(&path)) {
                    origins.insert(item.clone(), layer.origin(item));
                }
            }
        }
    }

    /// Returns the layer that a mark came from.
    fn layer(&self, mark: &Value) -> Option<&Layer> {
        let number = self
            .figment
            .get_metadata(mark.tag())?
            .source
            .as_ref()?
            .custom()?;
        self.layers.get(number.parse::<usize>().ok()?)
    }
}

#[cfg(test)]
mod tests;
