//! Values as bytes: little-endian, without gaps. Byte strings have their length in front, in four bytes. That is the
//! form of the Open Inference Protocol's binary tensors, and of what a model's own process is sent.

use half::f16;

use super::{Data, ElementType};

impl ElementType {
    /// Bytes of one value; `None` for byte strings, which are of any length.
    pub fn width(self) -> Option<usize> {
        match self {
            Self::Bool | Self::U8 | Self::I8 => Some(1),
            Self::U16 | Self::I16 | Self::F16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::Bytes => None,
        }
    }
}

impl Data {
    /// The values as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        /// A loop over arrays of a fixed size, which compiles to a copy.
        macro_rules! copied {
            ($values:expr) => {{
                let mut bytes = vec![0; std::mem::size_of_val($values.as_slice())];
                let places = bytes.as_chunks_mut().0;
                for (place, value) in places.iter_mut().zip($values) {
                    *place = value.to_le_bytes();
                }
                bytes
            }};
        }
        match self {
            Self::Bool(values) => values.iter().map(|value| u8::from(*value)).collect(),
            Self::U8(values) => values.clone(),
            Self::I8(values) => copied!(values),
            Self::U16(values) => copied!(values),
            Self::I16(values) => copied!(values),
            Self::F16(values) => copied!(values),
            Self::U32(values) => copied!(values),
            Self::I32(values) => copied!(values),
            Self::F32(values) => copied!(values),
            Self::U64(values) => copied!(values),
            Self::I64(values) => copied!(values),
            Self::F64(values) => copied!(values),
            Self::Bytes(values) => with_lengths(values),
        }
    }

    /// The opposite of [`Self::to_bytes`], or what is wrong with the bytes.
    pub fn from_bytes(kind: ElementType, bytes: &[u8]) -> Result<Self, String> {
        if let Some(width) = kind.width()
            && !bytes.len().is_multiple_of(width)
        {
            return Err(format!(
                "{} bytes are no whole number of values of {width} bytes ({})",
                bytes.len(),
                kind.name()
            ));
        }
        macro_rules! parsed {
            ($kind:ident, $number:ty) => {
                Self::$kind(
                    bytes.as_chunks().0.iter().map(|value| <$number>::from_le_bytes(*value)).collect(),
                )
            };
        }
        Ok(match kind {
            ElementType::Bool => Self::Bool(bytes.iter().map(|value| *value != 0).collect()),
            ElementType::U8 => Self::U8(bytes.to_vec()),
            ElementType::I8 => parsed!(I8, i8),
            ElementType::U16 => parsed!(U16, u16),
            ElementType::I16 => parsed!(I16, i16),
            ElementType::F16 => parsed!(F16, f16),
            ElementType::U32 => parsed!(U32, u32),
            ElementType::I32 => parsed!(I32, i32),
            ElementType::F32 => parsed!(F32, f32),
            ElementType::U64 => parsed!(U64, u64),
            ElementType::I64 => parsed!(I64, i64),
            ElementType::F64 => parsed!(F64, f64),
            ElementType::Bytes => Self::Bytes(without_lengths(bytes)?),
        })
    }
}

fn with_lengths(values: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.iter().map(|value| value.len() + 4).sum());
    for value in values {
        // A longer one could not have been received: every body has a smaller bound.
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&value[..length as usize]);
    }
    bytes
}

fn without_lengths(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk().ok_or("a byte string ends within its length")?;
        let length = u32::from_le_bytes(*length) as usize;
        let (value, rest) = rest.split_at_checked(length).ok_or_else(|| {
            format!("a byte string says that it has {length} bytes, but {} are left", rest.len())
        })?;
        values.push(value.to_vec());
        bytes = rest;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back() {
        let all = [
            Data::Bool(vec![true, false]),
            Data::U8(vec![0, 255]),
            Data::I8(vec![-128, 127]),
            Data::U16(vec![1, u16::MAX]),
            Data::I16(vec![i16::MIN, 7]),
            Data::F16(vec![f16::from_f32(0.5), f16::MAX]),
            Data::U32(vec![1, u32::MAX]),
            Data::I32(vec![i32::MIN, 7]),
            Data::F32(vec![-0.0, f32::MIN_POSITIVE]),
            Data::U64(vec![1, u64::MAX]),
            Data::I64(vec![i64::MIN, 7]),
            Data::F64(vec![1e300, f64::NEG_INFINITY]),
            Data::Bytes(vec![b"image".to_vec(), Vec::new()]),
        ];
        for data in all {
            assert_eq!(Data::from_bytes(data.element_type(), &data.to_bytes()), Ok(data));
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        assert_eq!(Data::I32(vec![1, -2]).to_bytes(), [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]);
        assert_eq!(Data::Bytes(vec![b"ab".to_vec()]).to_bytes(), [2, 0, 0, 0, b'a', b'b']);
    }

    #[test]
    fn what_is_cut_short_is_said() {
        let wrong = Data::from_bytes(ElementType::F32, &[0; 6]).unwrap_err();
        assert_eq!(wrong, "6 bytes are no whole number of values of 4 bytes (FP32)");
        assert!(Data::from_bytes(ElementType::Bytes, &[9, 0, 0]).unwrap_err().contains("within its length"));
        let wrong = Data::from_bytes(ElementType::Bytes, &[9, 0, 0, 0, b'x']).unwrap_err();
        assert_eq!(wrong, "a byte string says that it has 9 bytes, but 1 are left");
        assert!(Data::from_bytes(ElementType::Bytes, &[0xff; 4]).is_err());
    }
}
