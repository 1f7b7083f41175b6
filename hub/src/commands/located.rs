//! What a plugin has found wrong with its settings, with file and line.
//!
//! A hub that does not start and `fedmsg-config check` say it alike.

use fedmsg_actors::{BoxError, SettingError};
use fedmsg_config::{ConfigErrors, KeyPath, Loaded, Origin, ParamsError, Problem};

/// Returns the settings that are at fault in what the plugin `name` of `table` said, each with its place.
///
/// # Errors
///
/// What it said, if that is about no setting in particular.
pub(crate) fn settings_at_fault(
    loaded: &Loaded,
    table: &str,
    name: &str,
    said: BoxError,
) -> Result<ConfigErrors, BoxError> {
    let origins = &loaded.origins;
    let said = match said.downcast::<ParamsError>() {
        Ok(error) if table == "consumers" => return Ok(origins.consumer_errors(name, *error)),
        Ok(error) => return Ok(origins.producer_errors(name, *error)),
        Err(said) => said,
    };
    let SettingError { key, reason, .. } = *said.downcast::<SettingError>()?;
    let error = match origins.of(&key) {
        // A default has no line; who needs it has one.
        Origin::Default => {
            let kind = KeyPath::from([table, name, "kind"]);
            origins.error(kind, Problem::Invalid(format!("{key}: {reason}")))
        }
        _ => origins.error(key, Problem::Invalid(reason.to_string())),
    };
    Ok(error.into())
}
