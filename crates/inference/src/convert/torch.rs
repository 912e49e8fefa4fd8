//! PyTorch's old file format: five pickles (a magic number, the protocol, facts about the system, the dictionary of
//! tensors, the keys of the storages), then each storage as its length and its bytes.
//!
//! The layout is that of `torch.serialization._legacy_save`.

use std::collections::{BTreeMap, HashMap};

use super::{
    ConvertError, MOST_ELEMENTS, Tensor,
    pickle::{Cell, Element, Pickle, View},
};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;

/// The tensors of 32-bit floats in a file, by name; counters of other types are left out.
pub(super) fn read(file: &[u8]) -> Result<BTreeMap<String, Tensor>, ConvertError> {
    let mut rest = file;
    if Pickle::read(&mut rest)?.int() != Some(MAGIC) {
        return Err(ConvertError::malformed("this is no file of PyTorch weights in the old format"));
    }
    if Pickle::read(&mut rest)?.int() != Some(PROTOCOL) {
        return Err(ConvertError::unsupported("this protocol of PyTorch weights"));
    }
    let _system = Pickle::read(&mut rest)?;
    let tensors = Pickle::read(&mut rest)?;
    let order = Pickle::read(&mut rest)?;
    let storages = storages(&tensors, &keys(&order)?, rest)?;
    collect(&tensors, &storages)
}

fn keys(pickle: &Pickle) -> Result<Vec<&str>, ConvertError> {
    let Some(Cell::List(items)) = pickle.heap.cell(pickle.root) else {
        return Err(ConvertError::malformed("the keys of the storages are no list"));
    };
    let texts = items.iter().map(|&item| pickle.heap.text(item));
    texts.collect::<Option<_>>().ok_or_else(|| ConvertError::malformed("the key of a storage is no text"))
}

/// The bytes of every storage, in the order of the pickle.
fn storages<'a>(pickle: &Pickle, keys: &[&str], mut rest: &'a [u8]) -> Result<Vec<&'a [u8]>, ConvertError> {
    let places: HashMap<&str, usize> =
        pickle.storages.iter().enumerate().map(|(at, storage)| (storage.key.as_str(), at)).collect();
    let mut found = vec![None; pickle.storages.len()];
    for key in keys {
        let at = places.get(key).copied();
        let at = at.ok_or_else(|| ConvertError::malformed(format!("no tensor uses storage `{key}`")))?;
        let storage = &pickle.storages[at];
        let (len, after) = rest.split_first_chunk().ok_or(ConvertError::Truncated("a storage"))?;
        if i128::from(i64::from_le_bytes(*len)) != storage.len as i128 {
            return Err(ConvertError::malformed(format!(
                "storage `{key}` has not the length that was announced"
            )));
        }
        let bytes = storage.len.checked_mul(storage.element.bytes());
        let (bytes, after) =
            bytes.and_then(|len| after.split_at_checked(len)).ok_or(ConvertError::Truncated("a storage"))?;
        found[at] = Some(bytes);
        rest = after;
    }
    let all: Option<Vec<_>> = found.into_iter().collect();
    all.ok_or_else(|| ConvertError::malformed("a storage has no bytes"))
}

fn collect(pickle: &Pickle, storages: &[&[u8]]) -> Result<BTreeMap<String, Tensor>, ConvertError> {
    let Some(Cell::Dict(entries)) = pickle.heap.cell(pickle.root) else {
        return Err(ConvertError::malformed("the file holds no dictionary of tensors"));
    };
    let mut tensors = BTreeMap::new();
    // Strides of zero make much of little: the sum is bounded, not only each.
    let mut left = MOST_ELEMENTS;
    for &(name, value) in entries {
        let name = pickle.heap.text(name).ok_or_else(|| ConvertError::malformed("a tensor has no name"))?;
        let Some(Cell::Tensor(view)) = pickle.heap.cell(value) else {
            return Err(ConvertError::malformed(format!("`{name}` is no tensor")));
        };
        if pickle.storages[view.storage].element == Element::F32 {
            let tensor = gather(view, storages[view.storage], left)?;
            left -= tensor.values().len();
            tensors.insert(name.to_owned(), tensor);
        }
    }
    Ok(tensors)
}

/// Copies a view, whatever its strides, into a tensor whose last dimension is contiguous.
fn gather(view: &View, storage: &[u8], most: usize) -> Result<Tensor, ConvertError> {
    let len = Tensor::count(&view.shape, most)?;
    let outside = || ConvertError::malformed("a tensor reaches beyond its storage");
    if len == 0 {
        return Tensor::new(view.shape.clone(), Vec::new());
    }
    let mut last = Some(view.offset);
    for (&size, &stride) in view.shape.iter().zip(&view.strides) {
        let reach = (size - 1).checked_mul(stride);
        last = last.zip(reach).and_then(|(last, reach)| last.checked_add(reach));
    }
    let (words, _) = storage.as_chunks::<4>();
    if last.ok_or_else(outside)? >= words.len() {
        return Err(outside());
    }
    let mut values = Vec::with_capacity(len);
    let mut index = vec![0; view.shape.len()];
    let mut at = view.offset;
    for _ in 0..len {
        values.push(f32::from_le_bytes(words[at]));
        // Counting up like an odometer: the last dimension turns fastest.
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            at += view.strides[axis];
            if index[axis] < view.shape[axis] {
                break;
            }
            at -= view.shape[axis] * view.strides[axis];
            index[axis] = 0;
        }
    }
    Tensor::new(view.shape.clone(), values)
}
