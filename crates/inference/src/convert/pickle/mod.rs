//! A reader of Python pickles that executes nothing.
//!
//! A pickle is a program for a small stack machine, and Python's own reader calls whatever function the program names.
//! This one knows the 31 instructions that saved weights are made of and three kinds of names ([`Global`]); anything
//! else ends the reading. Containers live in one flat list ([`Heap`]) and refer to each other by position, so that
//! neither cycles nor a million nested tuples can hurt.
//!
//! The instructions are those of Python's `Lib/pickletools.py`, protocol 2.

mod machine;

use super::ConvertError;

/// A pickle may have this many bytes; the weights themselves lie outside of it. (EfficientNet-Lite2 has 63,000.)
pub(super) const MOST_PICKLE_BYTES: usize = 1 << 20;

/// A value: itself if it is small, otherwise its position in the [`Heap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Global(Global),
    /// Storage number `n` of [`Pickle::storages`].
    Storage(usize),
    Held(usize),
}

/// A value that holds others.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Tensor(View),
}

/// Everything that may be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch.FloatStorage` and its like.
    Storage(Element),
}

/// What a storage holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    I64,
}

impl Element {
    /// Its size in bytes.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::I64 => 8,
        }
    }
}

/// A storage that the pickle refers to; its bytes lie elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) element: Element,
    pub(super) key: String,
    pub(super) len: usize,
}

/// A tensor as a view into a storage; counts are in elements.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) storage: usize,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// Containers, by position.
#[derive(Debug, Default)]
pub(super) struct Heap(Vec<Cell>);

/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    pub(super) root: Value,
    pub(super) heap: Heap,
    pub(super) storages: Vec<Storage>,
}

impl Heap {
    fn hold(&mut self, cell: Cell) -> Value {
        self.0.push(cell);
        Value::Held(self.0.len() - 1)
    }

    /// The container, if `value` is one.
    pub(super) fn cell(&self, value: Value) -> Option<&Cell> {
        match value {
            Value::Held(at) => self.0.get(at),
            _ => None,
        }
    }

    fn cell_mut(&mut self, value: Value) -> Option<&mut Cell> {
        match value {
            Value::Held(at) => self.0.get_mut(at),
            _ => None,
        }
    }

    /// The text, if `value` is one.
    pub(super) fn text(&self, value: Value) -> Option<&str> {
        match self.cell(value) {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl Pickle {
    /// Reads one pickle from the front of `bytes`, and leaves in `bytes` what follows it.
    pub(super) fn read(bytes: &mut &[u8]) -> Result<Self, ConvertError> {
        let window = &bytes[..bytes.len().min(MOST_PICKLE_BYTES)];
        let cut = window.len() < bytes.len();
        let mut rest = window;
        let pickle = machine::run(&mut rest).map_err(|error| match error {
            ConvertError::Truncated(_) if cut => {
                ConvertError::TooLarge { what: "a pickle", limit: MOST_PICKLE_BYTES }
            }
            error => error,
        })?;
        *bytes = &bytes[window.len() - rest.len()..];
        Ok(pickle)
    }

    /// The number, if that is all that the pickle holds.
    pub(super) fn int(&self) -> Option<i128> {
        match self.root {
            Value::Int(int) => Some(int),
            _ => None,
        }
    }
}
