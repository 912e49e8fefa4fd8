//! Query strings, strictly: an unknown or repeated name is a mistake that the client wants to know about.

use darkroom_api::Code;

use super::failure::Failure;

/// The longest query string.
const MAX_QUERY: usize = 16 << 10;

/// The names and values of one query string. Values are taken out; what is left at the end is unknown.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(uri: &axum::http::Uri) -> Result<Self, Failure> {
        let text = uri.query().unwrap_or_default();
        if text.len() > MAX_QUERY {
            return Err(Failure::new(Code::InvalidParameter, "The query string is too long."));
        }
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.add(decode(name)?, decode(value)?)?;
        }
        Ok(query)
    }

    /// The fields of a form in a body. Of a field that comes twice, the last one counts.
    pub(super) fn of_form(text: &str) -> Result<Self, Failure> {
        let mut fields = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let unreadable = |_| Failure::new(Code::MalformedBody, "The form is not UTF-8.");
            fields.set(decode(name).map_err(unreadable)?, decode(value).map_err(unreadable)?);
        }
        Ok(fields)
    }

    /// Sets a field of a form.
    pub(super) fn set(&mut self, name: String, value: String) {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
    }

    /// Adds a name that came otherwise, such as a field of a form.
    pub(super) fn add(&mut self, name: String, value: String) -> Result<(), Failure> {
        if self.0.iter().any(|(known, _)| *known == name) {
            return Err(Failure::parameter(&name, "is given twice"));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Takes out the value of `name`.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes out the value of `name` as what it means.
    pub(super) fn parse<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure>
    where
        T::Err: std::fmt::Display,
    {
        self.take(name).map(|text| parse(name, &text)).transpose()
    }

    /// A list of words, separated by commas; none if it is absent.
    pub(super) fn words<T: std::str::FromStr>(&mut self, name: &str) -> Result<Vec<T>, Failure>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.take(name) else { return Ok(Vec::new()) };
        text.split(',').map(|word| parse(name, word)).collect()
    }

    /// Everything that has not been taken out.
    pub(super) fn rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0)
    }

    /// Refuses what nobody has taken out.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Failure::parameter(name, "is not a parameter of this route")),
        }
    }
}

/// A parameter's value as what it means.
pub(super) fn parse<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Failure>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| Failure::parameter(name, error))
}

fn decode(text: &str) -> Result<String, Failure> {
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Failure::new(Code::InvalidParameter, "The query string is not UTF-8."))
}
