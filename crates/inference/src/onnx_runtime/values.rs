//! Our tensors as the runtime's, and back.

use half::f16;
use ort::{
    session::SessionInputValue,
    value::{DynValue, PrimitiveTensorElementType, Tensor as Owned, TensorElementType, TensorRef},
};

use crate::tensor::{Data, ElementType, Tensor};

/// The kinds that both sides know.
pub(super) fn element_type(kind: TensorElementType) -> Option<ElementType> {
    Some(match kind {
        TensorElementType::Bool => ElementType::Bool,
        TensorElementType::Uint8 => ElementType::U8,
        TensorElementType::Uint16 => ElementType::U16,
        TensorElementType::Uint32 => ElementType::U32,
        TensorElementType::Uint64 => ElementType::U64,
        TensorElementType::Int8 => ElementType::I8,
        TensorElementType::Int16 => ElementType::I16,
        TensorElementType::Int32 => ElementType::I32,
        TensorElementType::Int64 => ElementType::I64,
        TensorElementType::Float16 => ElementType::F16,
        TensorElementType::Float32 => ElementType::F32,
        TensorElementType::Float64 => ElementType::F64,
        TensorElementType::String => ElementType::Bytes,
        _ => return None,
    })
}

/// A view of the tensor; strings are copied.
pub(super) fn input(tensor: &Tensor) -> Result<SessionInputValue<'_>, String> {
    let shape = tensor.shape();
    match tensor.data() {
        Data::Bool(values) => view(shape, values),
        Data::U8(values) => view(shape, values),
        Data::U16(values) => view(shape, values),
        Data::U32(values) => view(shape, values),
        Data::U64(values) => view(shape, values),
        Data::I8(values) => view(shape, values),
        Data::I16(values) => view(shape, values),
        Data::I32(values) => view(shape, values),
        Data::I64(values) => view(shape, values),
        Data::F16(values) => view(shape, values),
        Data::F32(values) => view(shape, values),
        Data::F64(values) => view(shape, values),
        Data::Bytes(values) => strings(shape, values),
    }
}

fn view<'a, T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static>(
    shape: &[usize],
    values: &'a [T],
) -> Result<SessionInputValue<'a>, String> {
    let shape: Vec<usize> = shape.to_vec();
    TensorRef::from_array_view((shape, values)).map(Into::into).map_err(|error| error.to_string())
}

fn strings(shape: &[usize], values: &[Vec<u8>]) -> Result<SessionInputValue<'static>, String> {
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone());
    let texts: Result<Vec<String>, _> = values.iter().map(text).collect();
    let texts = texts.map_err(|_| "a string for the model is not UTF-8".to_owned())?;
    let shape: Vec<usize> = shape.to_vec();
    Owned::from_string_array((shape, texts.as_slice())).map(Into::into).map_err(|error| error.to_string())
}

/// A copy of what the model gave.
pub(super) fn output(value: &DynValue) -> Result<Tensor, String> {
    let kind = value.dtype().tensor_type().and_then(element_type);
    match kind.ok_or_else(|| "is of a type that is not supported".to_owned())? {
        ElementType::Bool => copy::<bool>(value, Data::Bool),
        ElementType::U8 => copy::<u8>(value, Data::U8),
        ElementType::U16 => copy::<u16>(value, Data::U16),
        ElementType::U32 => copy::<u32>(value, Data::U32),
        ElementType::U64 => copy::<u64>(value, Data::U64),
        ElementType::I8 => copy::<i8>(value, Data::I8),
        ElementType::I16 => copy::<i16>(value, Data::I16),
        ElementType::I32 => copy::<i32>(value, Data::I32),
        ElementType::I64 => copy::<i64>(value, Data::I64),
        ElementType::F16 => copy::<f16>(value, Data::F16),
        ElementType::F32 => copy::<f32>(value, Data::F32),
        ElementType::F64 => copy::<f64>(value, Data::F64),
        ElementType::Bytes => {
            let (shape, texts) = value.try_extract_strings().map_err(|error| error.to_string())?;
            whole(shape, Data::Bytes(texts.into_iter().map(String::into_bytes).collect()))
        }
    }
}

fn copy<T: PrimitiveTensorElementType + Clone>(
    value: &DynValue,
    data: fn(Vec<T>) -> Data,
) -> Result<Tensor, String> {
    let (shape, values) = value.try_extract_tensor::<T>().map_err(|error| error.to_string())?;
    whole(shape, data(values.to_vec()))
}

fn whole(shape: &[i64], data: Data) -> Result<Tensor, String> {
    let sides: Option<Vec<usize>> = shape.iter().map(|side| usize::try_from(*side).ok()).collect();
    sides.and_then(|sides| Tensor::new(sides, data)).ok_or_else(|| format!("has no such shape: {shape:?}"))
}
