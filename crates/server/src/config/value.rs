//! How a setting is read from text and shown as text.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

pub use darkroom_api::Secret;
use darkroom_inference::{Isolation, Provider};

/// A typed setting that can be read from and written as text.
pub trait Value {
    /// Takes the value from `text`, or says what would be right and changes nothing.
    fn read(&mut self, text: &str) -> Result<(), String>;

    /// The value as [`Value::read`] takes it; secrets are hidden.
    fn show(&self) -> String;

    /// What kind of text is expected, for the reference.
    fn kind(&self) -> String;

    /// Whether the value is nobody's business.
    fn is_secret(&self) -> bool {
        false
    }
}

macro_rules! plain_values {
    ($($ty:ty = $kind:literal),+ $(,)?) => { $(
        impl Value for $ty {
            fn read(&mut self, text: &str) -> Result<(), String> {
                *self = text.parse().map_err(|_| format!("`{text}` is not {}", $kind))?;
                Ok(())
            }
            fn show(&self) -> String {
                self.to_string()
            }
            fn kind(&self) -> String {
                $kind.to_owned()
            }
        }
    )+ };
}

plain_values! {
    bool = "true or false",
    u16 = "a whole number up to 65535",
    u32 = "a whole number",
    u64 = "a whole number",
    usize = "a whole number",
    String = "text",
    SocketAddr = "an address with a port, such as 127.0.0.1:8080",
    ByteSize = "a size, such as 512 MiB",
    Isolation = "manifest, all or off",
    Provider = "cpu or cuda",
}

impl Value for PathBuf {
    fn read(&mut self, text: &str) -> Result<(), String> {
        *self = Self::from(text);
        Ok(())
    }
    fn show(&self) -> String {
        self.display().to_string()
    }
    fn kind(&self) -> String {
        "a path".to_owned()
    }
}

impl<T: Value + Default> Value for Option<T> {
    fn read(&mut self, text: &str) -> Result<(), String> {
        if text.is_empty() {
            *self = None;
            return Ok(());
        }
        let mut value = T::default();
        value.read(text)?;
        *self = Some(value);
        Ok(())
    }
    fn show(&self) -> String {
        self.as_ref().map(Value::show).unwrap_or_default()
    }
    fn kind(&self) -> String {
        format!("{}, or empty", T::default().kind())
    }
    fn is_secret(&self) -> bool {
        T::default().is_secret()
    }
}

impl Value for Vec<String> {
    fn read(&mut self, text: &str) -> Result<(), String> {
        *self = text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
        Ok(())
    }
    fn show(&self) -> String {
        self.join(",")
    }
    fn kind(&self) -> String {
        "a list, separated by commas".to_owned()
    }
}

/// Units of time, longest first.
const TIME_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Value for Duration {
    fn read(&mut self, text: &str) -> Result<(), String> {
        let wrong = || format!("`{text}` is not {}", self.kind());
        let (number, unit) = split_number(text).ok_or_else(wrong)?;
        let (_, factor) = TIME_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        *self = Self::from_millis(number.checked_mul(*factor).ok_or_else(wrong)?);
        Ok(())
    }
    fn show(&self) -> String {
        let ms = self.as_millis() as u64;
        let fits = |(_, factor): &&(&str, u64)| ms.is_multiple_of(*factor) && ms >= *factor;
        let (unit, factor) = TIME_UNITS.iter().find(fits).unwrap_or(&("s", 1_000));
        format!("{}{unit}", ms / factor)
    }
    fn kind(&self) -> String {
        "a time: a whole number with ms, s, m, h or d".to_owned()
    }
}

/// Units of size, largest first.
const SIZE_UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// From mebibytes.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, unit) = split_number(text).ok_or(())?;
        let named = |(name, _): &&(&str, u64)| name.eq_ignore_ascii_case(unit);
        let factor = if unit.is_empty() { 1 } else { SIZE_UNITS.iter().find(named).ok_or(())?.1 };
        number.checked_mul(factor).map(Self).ok_or(())
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, factor): &&(&str, u64)| self.0.is_multiple_of(*factor) && self.0 >= *factor;
        let (unit, factor) = SIZE_UNITS.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{} {unit}", self.0 / factor)
    }
}

/// A whole number and what follows it.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

impl Value for Secret {
    fn read(&mut self, text: &str) -> Result<(), String> {
        *self = Self::new(text);
        Ok(())
    }
    fn show(&self) -> String {
        if self.reveal().is_empty() { String::new() } else { "(hidden)".to_owned() }
    }
    fn kind(&self) -> String {
        "a secret".to_owned()
    }
    fn is_secret(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads<T: Value>(mut value: T, text: &str) -> Result<String, String> {
        value.read(text).map(|()| value.show())
    }

    #[test]
    fn times_and_sizes_are_shown_in_their_largest_whole_unit() {
        assert_eq!(reads(Duration::ZERO, "90s"), Ok("90s".to_owned()));
        assert_eq!(reads(Duration::ZERO, "120 s"), Ok("2m".to_owned()));
        assert_eq!(reads(Duration::ZERO, "0s"), Ok("0s".to_owned()));
        assert_eq!(reads(ByteSize(0), "1048576"), Ok("1 MiB".to_owned()));
        assert_eq!(reads(ByteSize(0), "64mib"), Ok("64 MiB".to_owned()));
    }

    #[test]
    fn nonsense_is_refused_with_the_expected_kind() {
        let message = reads(Duration::ZERO, "soon").unwrap_err();
        assert!(message.contains("a whole number with ms, s, m, h or d"), "{message}");
        assert!(reads(ByteSize(0), "99999999 TiB").is_err());
        assert!(reads(Duration::ZERO, "99999999999999999d").is_err());
    }

    #[test]
    fn secrets_are_never_shown() {
        let mut secret = Secret::default();
        secret.read("hunter2").unwrap();
        assert_eq!((secret.show().as_str(), format!("{secret:?}").as_str()), ("(hidden)", "Secret(hidden)"));
        assert_eq!(secret.reveal(), "hunter2");
    }
}
