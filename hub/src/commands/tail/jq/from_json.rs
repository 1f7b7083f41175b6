//! The function `fromjson` of jq, by the parser of the bus.
//!
//! That of jaq follows nesting as deep as it goes, until the stack is full: a peer who sends the text
//! "[[[[…" would end a program whose user looks into such texts.

use fedmsg::json::Value;
use jaq_core::native::{Filter, Fun, bome, run, v};
use jaq_core::{DataT, Error, RunPtr};
use jaq_json::Val;

use super::value::from_message;

/// What it is called.
pub(super) const NAME: &str = "fromjson";

/// Returns the function. One text is one value here; with jaq's own it may be several.
pub(super) fn functions<D: for<'a> DataT<V<'a> = Val>>() -> impl Iterator<Item = Fun<D>> {
    natives().into_vec().into_iter().map(run)
}

fn natives<D: for<'a> DataT<V<'a> = Val>>() -> Box<[Filter<RunPtr<D>>]> {
    Box::new([(NAME, v(0), |(_, input)| bome(parse(&input)))])
}

fn parse(input: &Val) -> Result<Val, Error<Val>> {
    let (Val::TStr(text) | Val::BStr(text)) = input else {
        return Err(Error::typ(input.clone(), "string"));
    };
    let value = Value::parse(text).map_err(|error| Error::str(format!("fromjson: {error}")))?;
    Ok(from_message(&value))
}
