//! Named, typed, shaped arrays: what goes into a model and comes out.

mod bytes;

use half::f16;
use serde::{Deserialize, Serialize};

/// What the numbers of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ElementType {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
    /// Byte strings of any length; ONNX calls them strings, the Open Inference Protocol `BYTES`.
    Bytes,
}

impl ElementType {
    /// Every type.
    pub const ALL: [Self; 13] = [
        Self::Bool,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::F16,
        Self::F32,
        Self::F64,
        Self::Bytes,
    ];

    /// The name in the Open Inference Protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::U8 => "UINT8",
            Self::U16 => "UINT16",
            Self::U32 => "UINT32",
            Self::U64 => "UINT64",
            Self::I8 => "INT8",
            Self::I16 => "INT16",
            Self::I32 => "INT32",
            Self::I64 => "INT64",
            Self::F16 => "FP16",
            Self::F32 => "FP32",
            Self::F64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }

    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The numbers, row by row: the last dimension is the fastest.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Data {
    Bool(Vec<bool>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F16(Vec<f16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(Vec<Vec<u8>>),
}

/// Runs the same code on the vector of whatever type there is.
macro_rules! each {
    ($data:expr, $values:ident => $body:expr) => {
        each!($data, $values => $body, Bool U8 U16 U32 U64 I8 I16 I32 I64 F16 F32 F64 Bytes)
    };
    ($data:expr, $values:ident => $body:expr, $($kind:ident)+) => {
        match $data { $( Data::$kind($values) => $body, )+ }
    };
}

impl Data {
    /// Their number.
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type.
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::Bool(_) => ElementType::Bool,
            Self::U8(_) => ElementType::U8,
            Self::U16(_) => ElementType::U16,
            Self::U32(_) => ElementType::U32,
            Self::U64(_) => ElementType::U64,
            Self::I8(_) => ElementType::I8,
            Self::I16(_) => ElementType::I16,
            Self::I32(_) => ElementType::I32,
            Self::I64(_) => ElementType::I64,
            Self::F16(_) => ElementType::F16,
            Self::F32(_) => ElementType::F32,
            Self::F64(_) => ElementType::F64,
            Self::Bytes(_) => ElementType::Bytes,
        }
    }

    /// `count` zeros, empty strings or falses.
    pub fn zeros(kind: ElementType, count: usize) -> Self {
        match kind {
            ElementType::Bool => Self::Bool(vec![false; count]),
            ElementType::U8 => Self::U8(vec![0; count]),
            ElementType::U16 => Self::U16(vec![0; count]),
            ElementType::U32 => Self::U32(vec![0; count]),
            ElementType::U64 => Self::U64(vec![0; count]),
            ElementType::I8 => Self::I8(vec![0; count]),
            ElementType::I16 => Self::I16(vec![0; count]),
            ElementType::I32 => Self::I32(vec![0; count]),
            ElementType::I64 => Self::I64(vec![0; count]),
            ElementType::F16 => Self::F16(vec![f16::ZERO; count]),
            ElementType::F32 => Self::F32(vec![0.0; count]),
            ElementType::F64 => Self::F64(vec![0.0; count]),
            ElementType::Bytes => Self::Bytes(vec![Vec::new(); count]),
        }
    }

    /// Appends values of the same type; others are left alone, and `false` comes back.
    fn append(&mut self, other: &Self) -> bool {
        macro_rules! same {
            ($($kind:ident)+) => {
                match (self, other) {
                    $( (Self::$kind(to), Self::$kind(from)) => to.extend_from_slice(from), )+
                    _ => return false,
                }
            };
        }
        same!(Bool U8 U16 U32 U64 I8 I16 I32 I64 F16 F32 F64 Bytes);
        true
    }

    /// Takes the first `count` values off.
    fn take_front(&mut self, count: usize) -> Self {
        macro_rules! front {
            ($($kind:ident)+) => {
                match self {
                    $( Self::$kind(values) => {
                        let rest = values.split_off(count.min(values.len()));
                        Self::$kind(std::mem::replace(values, rest))
                    } )+
                }
            };
        }
        front!(Bool U8 U16 U32 U64 I8 I16 I32 I64 F16 F32 F64 Bytes)
    }
}

/// An array: `data.len()` is the product of `shape`, which is 1 for no dimensions at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// A tensor and its name.
pub type Named = (String, Tensor);

impl Tensor {
    /// A tensor, or `None` where the number of values is not the product of the shape.
    pub fn new(shape: impl Into<Vec<usize>>, data: Data) -> Option<Self> {
        let shape = shape.into();
        (elements(&shape) == Some(data.len())).then_some(Self { shape, data })
    }

    /// Zeros; `None` where the shape has more elements than can be counted.
    pub fn zeros(shape: impl Into<Vec<usize>>, kind: ElementType) -> Option<Self> {
        let shape = shape.into();
        let data = Data::zeros(kind, elements(&shape)?);
        Some(Self { shape, data })
    }

    /// The dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Shape and values.
    pub fn into_parts(self) -> (Vec<usize>, Data) {
        (self.shape, self.data)
    }

    /// The type of the values.
    pub fn element_type(&self) -> ElementType {
        self.data.element_type()
    }

    /// The first dimension, where there is one: the rows of a batch.
    pub fn rows(&self) -> Option<usize> {
        self.shape.first().copied()
    }

    /// The values as `f32`, for the kinds that scores come in; `None` for the others.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        match &self.data {
            Data::F32(values) => Some(values.clone()),
            Data::F16(values) => Some(values.iter().map(|v| v.to_f32()).collect()),
            Data::F64(values) => Some(values.iter().map(|v| *v as f32).collect()),
            _ => None,
        }
    }

    /// Whether any value is NaN.
    pub(crate) fn has_nan(&self) -> bool {
        match &self.data {
            Data::F16(values) => values.iter().any(|v| v.is_nan()),
            Data::F32(values) => values.iter().any(|v| v.is_nan()),
            Data::F64(values) => values.iter().any(|v| v.is_nan()),
            _ => false,
        }
    }

    /// One tensor of all rows, or `None` where types or the other dimensions differ.
    pub fn stack<'a>(mut tensors: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let mut all = tensors.next()?.clone();
        all.rows()?;
        for tensor in tensors {
            if tensor.rows().is_none()
                || tensor.shape[1..] != all.shape[1..]
                || !all.data.append(&tensor.data)
            {
                return None;
            }
            all.shape[0] += tensor.shape[0];
        }
        Some(all)
    }

    /// The opposite of [`Self::stack`]: so many rows each, or `None` where the sum is another.
    pub fn unstack(mut self, rows: &[usize]) -> Option<Vec<Self>> {
        if self.rows()? != rows.iter().sum::<usize>() {
            return None;
        }
        let row: usize = self.shape[1..].iter().product();
        let mut part = |rows: &usize| {
            let shape = [&[*rows], &self.shape[1..]].concat();
            Self { shape, data: self.data.take_front(rows * row) }
        };
        Some(rows.iter().map(&mut part).collect())
    }
}

fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side))
}

/// What a model says of one of its inputs or outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub element_type: ElementType,
    /// The dimensions; `None` may be any. The whole is `None` where not even their number is said.
    pub shape: Option<Vec<Option<usize>>>,
}

impl TensorInfo {
    /// What does not fit, in words for the client.
    pub fn check(&self, tensor: &Tensor) -> Result<(), String> {
        if tensor.element_type() != self.element_type {
            let (wants, is) = (self.element_type.name(), tensor.element_type().name());
            return Err(format!("input `{}` takes {wants}, not {is}", self.name));
        }
        let Some(shape) = &self.shape else { return Ok(()) };
        let fits = |(wanted, is): (&Option<usize>, &usize)| wanted.is_none_or(|wanted| wanted == *is);
        if shape.len() == tensor.shape.len() && shape.iter().zip(&tensor.shape).all(fits) {
            return Ok(());
        }
        Err(format!("input `{}` takes the shape {}, not {:?}", self.name, self.shape_text(), tensor.shape))
    }

    /// The shape for people: `[?, 3, 224, 224]`.
    pub fn shape_text(&self) -> String {
        let Some(shape) = &self.shape else { return "[…]".to_owned() };
        let sides: Vec<String> =
            shape.iter().map(|side| side.map_or("?".to_owned(), |side| side.to_string())).collect();
        format!("[{}]", sides.join(", "))
    }

    /// Whether the first dimension is free, so that requests can share a run.
    pub fn takes_batches(&self) -> bool {
        self.shape.as_ref().is_some_and(|shape| matches!(shape.first(), Some(None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape, Data::F32(values.to_vec())).unwrap()
    }

    #[test]
    fn the_number_of_values_is_the_product_of_the_shape() {
        assert!(Tensor::new([2, 3], Data::F32(vec![0.0; 5])).is_none());
        assert!(Tensor::new([usize::MAX, 3], Data::F32(Vec::new())).is_none());
        assert!(Tensor::new([usize::MAX, 2, 0], Data::F32(Vec::new())).is_none(), "it overflows on the way");
        assert!(Tensor::new([], Data::I64(vec![7])).is_some());
        assert!(Tensor::new([0, 3], Data::Bytes(Vec::new())).is_some());
    }

    #[test]
    fn what_is_stacked_comes_apart_again() {
        let (one, two) = (floats(&[1, 2], &[1.0, 2.0]), floats(&[2, 2], &[3.0, 4.0, 5.0, 6.0]));
        let both = Tensor::stack([&one, &two].into_iter()).unwrap();
        assert_eq!(both, floats(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(both.clone().unstack(&[1, 2]), Some(vec![one.clone(), two]));
        assert_eq!(both.unstack(&[1, 1]), None);
        let other = Tensor::new([1, 2], Data::I32(vec![1, 2])).unwrap();
        assert_eq!(Tensor::stack([&one, &other].into_iter()), None);
        assert_eq!(Tensor::stack([&one, &floats(&[1, 3], &[0.0; 3])].into_iter()), None);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let info = TensorInfo {
            name: "x".to_owned(),
            element_type: ElementType::F32,
            shape: Some(vec![None, Some(2)]),
        };
        assert_eq!(info.check(&floats(&[5, 2], &[0.0; 10])), Ok(()));
        let wrong = info.check(&floats(&[2, 3], &[0.0; 6])).unwrap_err();
        assert_eq!(wrong, "input `x` takes the shape [?, 2], not [2, 3]");
        let wrong = info.check(&Tensor::new([1, 2], Data::U8(vec![1, 2])).unwrap()).unwrap_err();
        assert_eq!(wrong, "input `x` takes FP32, not UINT8");
        assert!(info.takes_batches());
    }
}
