//! Values that come as JSON: flat or nested, of the type that the tensor says, and no more of them than its shape has.

use std::fmt;

use darkroom_inference::{Data, ElementType};
use half::f16;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// The values of a JSON array, row by row. `count` is what the shape says.
pub(super) fn values(text: &str, kind: ElementType, count: usize) -> Result<Data, String> {
    // Every value takes a letter and something between it and the next: what cannot be there is not made room for.
    if count > text.len() {
        return Err(format!("has fewer values than the {count} of its shape"));
    }
    Ok(match kind {
        ElementType::Bool => Data::Bool(all(text, count)?),
        ElementType::U8 => Data::U8(all(text, count)?),
        ElementType::U16 => Data::U16(all(text, count)?),
        ElementType::U32 => Data::U32(all(text, count)?),
        ElementType::U64 => Data::U64(all(text, count)?),
        ElementType::I8 => Data::I8(all(text, count)?),
        ElementType::I16 => Data::I16(all(text, count)?),
        ElementType::I32 => Data::I32(all(text, count)?),
        ElementType::I64 => Data::I64(all(text, count)?),
        ElementType::F16 => Data::F16(all(text, count)?),
        ElementType::F32 => Data::F32(all(text, count)?),
        ElementType::F64 => Data::F64(all(text, count)?),
        ElementType::Bytes => Data::Bytes(all(text, count)?),
    })
}

fn all<T: Element>(text: &str, count: usize) -> Result<Vec<T>, String> {
    if !text.trim_start().starts_with('[') {
        return Err("has data that is no array".to_owned());
    }
    let mut values = Vec::with_capacity(count);
    let mut json = serde_json::Deserializer::from_str(text);
    Flat { into: &mut values, count }.deserialize(&mut json).map_err(|error| error.to_string())?;
    match values.len() {
        is if is == count => Ok(values),
        is => Err(format!("has {is} values, its shape has {count}")),
    }
}

/// A type of values, and what of JSON it can be.
trait Element: Sized {
    const NAME: &str;

    fn of_whole(_: i128) -> Option<Self> {
        None
    }
    fn of_number(_: f64) -> Option<Self> {
        None
    }
    fn of_bool(_: bool) -> Option<Self> {
        None
    }
    fn of_text(_: &str) -> Option<Self> {
        None
    }
}

macro_rules! whole {
    ($($kind:ty, $name:literal;)+) => { $(
        impl Element for $kind {
            const NAME: &str = $name;
            fn of_whole(value: i128) -> Option<Self> {
                value.try_into().ok()
            }
        }
    )+ };
}
whole! { u8, "UINT8"; u16, "UINT16"; u32, "UINT32"; u64, "UINT64"; i8, "INT8"; i16, "INT16"; i32, "INT32"; i64, "INT64"; }

impl Element for bool {
    const NAME: &str = "BOOL";
    fn of_bool(value: bool) -> Option<Self> {
        Some(value)
    }
    fn of_whole(value: i128) -> Option<Self> {
        [false, true].get(usize::try_from(value).ok()?).copied()
    }
}

/// Too large a number would become infinity, which nobody sent.
macro_rules! floating {
    ($($kind:ty, $name:literal, $of:expr;)+) => { $(
        impl Element for $kind {
            const NAME: &str = $name;
            fn of_whole(value: i128) -> Option<Self> {
                Self::of_number(value as f64)
            }
            fn of_number(value: f64) -> Option<Self> {
                let value: Self = $of(value);
                value.is_finite().then_some(value)
            }
        }
    )+ };
}
floating! { f16, "FP16", f16::from_f64; f32, "FP32", |value| value as f32; f64, "FP64", |value| value; }

impl Element for Vec<u8> {
    const NAME: &str = "BYTES";
    fn of_text(text: &str) -> Option<Self> {
        Some(text.as_bytes().to_vec())
    }
}

/// Takes values out of arrays inside of arrays. How deep they may be is the JSON reader's bound.
struct Flat<'a, T> {
    into: &'a mut Vec<T>,
    count: usize,
}

impl<T: Element> Flat<'_, T> {
    fn push<E: Error>(self, value: Option<T>, said: &dyn fmt::Display) -> Result<(), E> {
        if self.into.len() >= self.count {
            return Err(E::custom(format_args!(
                "there are more values than the {} of its shape",
                self.count
            )));
        }
        self.into.push(value.ok_or_else(|| E::custom(format_args!("{said} is no {}", T::NAME)))?);
        Ok(())
    }
}

impl<'de, T: Element> DeserializeSeed<'de> for Flat<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Element> Visitor<'de> for Flat<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "values of the type {}", T::NAME)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(Flat { into: &mut *self.into, count: self.count })?.is_some() {}
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.push(T::of_whole(value.into()), &value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.push(T::of_whole(value.into()), &value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.push(T::of_number(value), &value)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.push(T::of_bool(value), &value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.push(T::of_text(value), &"a text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_and_nested_are_the_same() {
        let wanted = Data::F32(vec![1.0, -2.5, 3.0, 4e3]);
        for text in ["[1, -2.5, 3, 4e3]", "[[1, -2.5], [3.0, 4000]]", "[[[1], [-2.5]], [[3], [4000.0]]]"] {
            assert_eq!(values(text, ElementType::F32, 4), Ok(wanted.clone()), "{text}");
        }
    }

    #[test]
    fn every_type_is_read() {
        let read = |text: &str, kind| values(text, kind, 2).unwrap();
        assert_eq!(read("[true, 0]", ElementType::Bool), Data::Bool(vec![true, false]));
        assert_eq!(read("[0, 255]", ElementType::U8), Data::U8(vec![0, 255]));
        assert_eq!(read("[0, 65535]", ElementType::U16), Data::U16(vec![0, 65_535]));
        assert_eq!(read("[0, 4294967295]", ElementType::U32), Data::U32(vec![0, u32::MAX]));
        assert_eq!(read("[0, 18446744073709551615]", ElementType::U64), Data::U64(vec![0, u64::MAX]));
        assert_eq!(read("[-128, 127]", ElementType::I8), Data::I8(vec![-128, 127]));
        assert_eq!(read("[-32768, 1]", ElementType::I16), Data::I16(vec![-32_768, 1]));
        assert_eq!(read("[-2147483648, 1]", ElementType::I32), Data::I32(vec![i32::MIN, 1]));
        assert_eq!(read("[-9223372036854775808, 1]", ElementType::I64), Data::I64(vec![i64::MIN, 1]));
        assert_eq!(
            read("[0.5, 2]", ElementType::F16),
            Data::F16(vec![f16::from_f32(0.5), f16::from_f32(2.0)])
        );
        assert_eq!(read("[1e300, -1]", ElementType::F64), Data::F64(vec![1e300, -1.0]));
        let bytes = Data::Bytes(vec![b"a\n".to_vec(), Vec::new()]);
        assert_eq!(read(r#"["a\n", ""]"#, ElementType::Bytes), bytes);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let cases = [
            ("[256]", ElementType::U8, 1, "256 is no UINT8"),
            ("[-1]", ElementType::U64, 1, "-1 is no UINT64"),
            ("[1.5]", ElementType::I32, 1, "1.5 is no INT32"),
            ("[2]", ElementType::Bool, 1, "2 is no BOOL"),
            ("[1e39]", ElementType::F32, 1, "is no FP32"),
            ("[70000]", ElementType::F16, 1, "is no FP16"),
            ("[1e999]", ElementType::F64, 1, "number out of range"),
            ("[\"1\"]", ElementType::F32, 1, "a text is no FP32"),
            ("[7]", ElementType::Bytes, 1, "7 is no BYTES"),
            ("[true]", ElementType::F32, 1, "true is no FP32"),
            ("[null]", ElementType::F32, 1, "null"),
            ("[NaN]", ElementType::F32, 1, "expected value"),
            ("[{}]", ElementType::F32, 1, "map"),
            ("[1, 2]", ElementType::F32, 1, "more values than the 1"),
            ("[1, 2]", ElementType::F32, 3, "has 2 values, its shape has 3"),
            ("[[1], [2]]", ElementType::F32, 5, "has 2 values"),
            ("[1]", ElementType::F32, usize::MAX, "fewer values"),
            ("7", ElementType::F32, 1, "no array"),
        ];
        for (text, kind, count, words) in cases {
            let wrong = values(text, kind, count).unwrap_err();
            assert!(wrong.contains(words), "{text}: {wrong}");
        }
        let deep = "[".repeat(100_000) + "1" + &"]".repeat(100_000);
        assert!(values(&deep, ElementType::F32, 1).unwrap_err().contains("recursion limit"));
    }
}
