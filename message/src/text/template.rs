//! `Template`: texts of Jinja that a configuration or a command line brings along, on a leash.
//!
//! By minijinja. `fedmsg-tail --format`, and the consumers and producers that have templates in their
//! parameters, compile them once with a [`Dialect`] and render them with [`Variables`].

mod template_error;
mod variables;

use std::fmt::{self, Display};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

pub use self::template_error::TemplateError;
pub use self::variables::{MESSAGE_VARIABLES, Variables};

/// What a template may use up each time: as many instructions, or 64 times as many bytes of text.
/// Loops within loops over a large message end here.
const FUEL: u64 = 1_000_000;

/// A template that has been found good, to be rendered any number of times.
///
/// It is Jinja as minijinja has it, without files: nothing can be included or imported. Nothing is
/// escaped, for the text is of no known kind; `tojson` makes JSON of a value. Each rendering may take a
/// million steps and 64 MB of text. To print what is not there is an error, but not to test it:
/// `{{ msg.x | default("-") }}`. The filter `strftime` makes a time of seconds since the epoch.
///
/// # Examples
///
/// ```
/// use fedmsg_message::text::{Template, Variables};
///
/// let template = Template::compile("{{ host }} has {{ load | round(1) }}", &["host", "load"])?;
/// let variables = Variables::new().with("host", "app01").with("load", 0.52);
/// assert_eq!(template.render(&variables)?, "app01 has 0.5");
///
/// let error = Template::compile("{{ hots }}", &["host"]).unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 4: there is no hots, but host");
/// # Ok::<(), fedmsg_message::text::TemplateError>(())
/// ```
#[derive(Clone)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    name: &'static str,
    source: Arc<str>,
    /// The variables that it names, sorted.
    used: Arc<[String]>,
}

impl Template {
    /// Compiles a template that may name `variables`, with times in UTC. [`Dialect`] can do more.
    ///
    /// # Errors
    ///
    /// As [`Dialect::compile`].
    pub fn compile(source: &str, variables: &[&str]) -> Result<Self, TemplateError> {
        Dialect::new(variables).compile(source)
    }

    /// Returns the text with these values.
    ///
    /// # Errors
    ///
    /// A value that is not there is printed or looked into, a filter gets what it cannot use, or a limit
    /// is passed.
    pub fn render(&self, variables: &Variables) -> Result<String, TemplateError> {
        let render = |environment: &Environment<'_>| {
            let template = environment.get_template(self.name);
            template.and_then(|template| template.render(variables.value()))
        };
        render(&self.environment).map_err(|error| {
            let again = || {
                let mut environment = Environment::clone(&self.environment);
                environment.set_debug(true);
                render(&environment).err()
            };
            // Only so it says what is undefined, which costs too much for all that goes well.
            let told = match error.kind() {
                ErrorKind::OutOfFuel => None,
                _ => again(),
            };
            misplaced(&self.source, &told.unwrap_or(error))
        })
    }

    /// Says whether it names a variable, so that nobody has to find out what is not asked for.
    #[must_use]
    pub fn uses(&self, variable: &str) -> bool {
        self.used.iter().any(|used| used == variable)
    }

    /// Returns the template as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

/// Makes a text that stands for another where it is printed.
type Show = Box<dyn Fn(&str) -> String + Send + Sync>;

/// What the templates of one place may name, and how they show it.
///
/// ```
/// use fedmsg_message::text::{Dialect, Variables};
///
/// let dialect = Dialect::new(&["at", "who"]).show(|text| text.to_uppercase());
/// let template = dialect.compile("At {{ at | strftime('%H:%M') }}: {{ who }}")?;
/// let variables = Variables::new().with("at", 1_479_826_068).with("who", "ada");
/// assert_eq!(template.render(&variables)?, "At 14:47: ADA");
/// # Ok::<(), fedmsg_message::text::TemplateError>(())
/// ```
pub struct Dialect {
    name: &'static str,
    variables: Vec<String>,
    zone: TimeZone,
    show: Option<Show>,
}

impl Dialect {
    /// Returns the dialect of templates that may name `variables`, in UTC.
    #[must_use]
    pub fn new(variables: &[&str]) -> Self {
        Self {
            name: "template",
            variables: variables.iter().map(|&name| name.to_owned()).collect(),
            zone: TimeZone::UTC,
            show: None,
        }
    }

    /// Sets what a template is called by the errors of its rendering. Default `template`.
    #[must_use]
    pub fn called(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Sets the zone of the filter `strftime`. Default UTC.
    #[must_use]
    pub fn zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// Has every value changed where it is printed, and nothing of the template itself.
    #[must_use]
    pub fn show(mut self, show: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.show = Some(Box::new(show));
        self
    }

    /// Compiles a template.
    ///
    /// # Errors
    ///
    /// It is no Jinja, or names a variable, filter, test or function that there is not; with the place.
    pub fn compile(self, source: &str) -> Result<Template, TemplateError> {
        let name = self.name;
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let zone = self.zone;
        environment.add_filter("strftime", move |seconds: f64, format: &str| {
            strftime(seconds, format, &zone)
        });
        if let Some(show) = self.show {
            environment.set_formatter(move |out, _, value| {
                let text = value.to_string();
                Ok(out.write_str(&show(&text))?)
            });
        }
        environment.set_debug(true); // errors know their place
        environment
            .add_template_owned(name, source.to_owned())
            .map_err(|error| misplaced(source, &error))?;
        let template = environment.get_template(name);
        let template = template.map_err(|error| misplaced(source, &error))?;
        let is_global = |name: &String| {
            environment
                .globals()
                .any(|(global, _)| global == name.as_str())
        };
        let mut used: Vec<_> = template.undeclared_variables(false).into_iter().collect();
        used.retain(|name| !is_global(name));
        used.sort_unstable();
        if let Some(unknown) = used.iter().find(|name| !self.variables.contains(name)) {
            let at = source.find(unknown.as_str()).unwrap_or(0);
            let reason = format!("there is no {unknown}, but {}", self.variables.join(", "));
            return Err(TemplateError::at(source, at..at + unknown.len(), reason));
        }
        // Names of filters and tests are looked up when they are used: with values that are not there.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        if let Err(error) = environment.get_template(name).and_then(|it| it.render(()))
            && is_of_template(error.kind())
        {
            return Err(misplaced(source, &error));
        }
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_debug(false); // of no use later, and slow
        Ok(Template {
            environment: Arc::new(environment),
            name,
            source: source.into(),
            used: used.into(),
        })
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialect")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

/// Whether a template that fails so fails with all values.
fn is_of_template(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::MissingArgument
            | ErrorKind::TooManyArguments
            | ErrorKind::TemplateNotFound
    )
}

/// Says where the template is wrong; minijinja knows the line at least.
fn misplaced(source: &str, error: &Error) -> TemplateError {
    let reason = match error.detail() {
        Some(detail) if error.kind() == ErrorKind::UndefinedError => detail.to_owned(),
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    match (error.range(), error.line()) {
        (Some(range), _) => TemplateError::at(source, range, reason),
        (None, Some(line)) => TemplateError::on_line(source, line, reason),
        (None, None) => TemplateError::somewhere(reason),
    }
}

/// The filter `strftime`: seconds since the epoch as a time, `{{ timestamp | strftime("%F %T") }}`.
fn strftime(seconds: f64, format: &str, zone: &TimeZone) -> Result<String, Error> {
    let invalid = |error: &dyn Display| Error::new(ErrorKind::InvalidOperation, error.to_string());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time out of range saturates, and is refused then"
    )]
    let time = Timestamp::from_millisecond((seconds * 1000.0) as i64);
    let time = time.map_err(|error| invalid(&error))?;
    let zoned = time.to_zoned(zone.clone());
    jiff::fmt::strtime::format(format, &zoned).map_err(|error| invalid(&error))
}

#[cfg(test)]
mod tests;
