//! The stack machine: one function an instruction, and the few calls that it makes believe.

use std::collections::HashMap;

use super::{Cell, ConvertError, Element, Global, Heap, Pickle, Storage, Value, View};

/// More dimensions than any weights have.
const MOST_DIMENSIONS: usize = 8;

/// A name longer than any that is allowed.
const MOST_NAME_BYTES: usize = 64;

/// Runs one pickle, and leaves in `bytes` what follows it.
pub(super) fn run(bytes: &mut &[u8]) -> Result<Pickle, ConvertError> {
    let mut machine = Machine::default();
    while !machine.step(bytes)? {}
    let root = machine.pop()?;
    Ok(Pickle { root, heap: machine.heap, storages: machine.storages })
}

#[derive(Default)]
struct Machine {
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    heap: Heap,
    storages: Vec<Storage>,
}

impl Machine {
    /// Does one instruction; whether it was the last.
    fn step(&mut self, bytes: &mut &[u8]) -> Result<bool, ConvertError> {
        let [code] = take(bytes)?;
        match code {
            0x80 => self.protocol(take(bytes)?)?,
            b'.' => return Ok(true),
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.stack.push(Value::None),
            0x88 => self.stack.push(Value::Bool(true)),
            0x89 => self.stack.push(Value::Bool(false)),
            b'K' => self.int(u8::from_le_bytes(take(bytes)?)),
            b'M' => self.int(u16::from_le_bytes(take(bytes)?)),
            b'J' => self.int(i32::from_le_bytes(take(bytes)?)),
            0x8a => self.long(bytes)?,
            b'X' => self.text(bytes)?,
            b')' => self.hold(Cell::Tuple(Vec::new())),
            0x85 => self.tuple_of(1)?,
            0x86 => self.tuple_of(2)?,
            0x87 => self.tuple_of(3)?,
            b't' => {
                let items = self.since_mark()?;
                self.hold(Cell::Tuple(items));
            }
            b']' => self.hold(Cell::List(Vec::new())),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.append(items)?;
            }
            b'}' => self.hold(Cell::Dict(Vec::new())),
            b's' => {
                let items = self.last(2)?;
                self.set_items(&items)?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set_items(&items)?;
            }
            b'q' => self.remember(u8::from_le_bytes(take(bytes)?).into())?,
            b'r' => self.remember(u32::from_le_bytes(take(bytes)?))?,
            b'h' => self.recall(u8::from_le_bytes(take(bytes)?).into())?,
            b'j' => self.recall(u32::from_le_bytes(take(bytes)?))?,
            b'c' => self.global(bytes)?,
            b'Q' => self.persistent()?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => return Err(ConvertError::Forbidden(format!("the instruction 0x{other:02x}"))),
        }
        Ok(false)
    }

    fn protocol(&mut self, [version]: [u8; 1]) -> Result<(), ConvertError> {
        match version {
            2 if self.stack.is_empty() => Ok(()),
            _ => Err(ConvertError::unsupported(format!("pickle protocol {version}"))),
        }
    }

    fn int(&mut self, value: impl Into<i128>) {
        self.stack.push(Value::Int(value.into()));
    }

    /// A number of up to 16 bytes, little-endian, in two's complement.
    fn long(&mut self, bytes: &mut &[u8]) -> Result<(), ConvertError> {
        let [len] = take(bytes)?;
        let digits = take_slice(bytes, len.into())?;
        if digits.len() > 16 {
            return Err(ConvertError::TooLarge { what: "the length of a number", limit: 16 });
        }
        let negative = digits.last().is_some_and(|last| last & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        wide[..digits.len()].copy_from_slice(digits);
        self.int(i128::from_le_bytes(wide));
        Ok(())
    }

    fn text(&mut self, bytes: &mut &[u8]) -> Result<(), ConvertError> {
        let len = u32::from_le_bytes(take(bytes)?);
        let text = take_slice(bytes, len as usize)?;
        let text = std::str::from_utf8(text).map_err(|_| ConvertError::malformed("a text is not UTF-8"))?;
        self.hold(Cell::Text(text.to_owned()));
        Ok(())
    }

    fn hold(&mut self, cell: Cell) {
        let value = self.heap.hold(cell);
        self.stack.push(value);
    }

    fn tuple_of(&mut self, count: usize) -> Result<(), ConvertError> {
        let items = self.last(count)?;
        self.hold(Cell::Tuple(items));
        Ok(())
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), ConvertError> {
        match self.top()? {
            Cell::List(list) => list.extend(items),
            _ => return Err(ConvertError::malformed("something is appended to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Value]) -> Result<(), ConvertError> {
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(ConvertError::malformed("a key has no value"));
        }
        match self.top()? {
            Cell::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err(ConvertError::malformed("an entry is set in what is no dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, at: u32) -> Result<(), ConvertError> {
        let top = self.stack.last().copied().ok_or_else(empty)?;
        self.memo.insert(at, top);
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Result<(), ConvertError> {
        let value = self.memo.get(&at).copied();
        self.stack
            .push(value.ok_or_else(|| ConvertError::malformed("something is recalled that never was"))?);
        Ok(())
    }

    fn global(&mut self, bytes: &mut &[u8]) -> Result<(), ConvertError> {
        let (module, name) = (line(bytes)?, line(bytes)?);
        let global = match (module.as_str(), name.as_str()) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch", "FloatStorage") => Global::Storage(Element::F32),
            ("torch", "LongStorage") => Global::Storage(Element::I64),
            _ => return Err(ConvertError::Forbidden(format!("`{module}.{name}`"))),
        };
        self.stack.push(Value::Global(global));
        Ok(())
    }

    /// `("storage", kind, key, location, length, None)` names a storage whose bytes lie elsewhere.
    fn persistent(&mut self) -> Result<(), ConvertError> {
        let what = || ConvertError::malformed("a storage is not described as it must be");
        let items = self.pop_tuple()?;
        let [tag, Value::Global(Global::Storage(element)), key, _location, Value::Int(len), view] = items[..]
        else {
            return Err(what());
        };
        if self.heap.text(tag) != Some("storage") {
            return Err(what());
        }
        if view != Value::None {
            return Err(ConvertError::unsupported("a storage that is a view of another"));
        }
        let key = self.heap.text(key).ok_or_else(what)?.to_owned();
        let len = count(Value::Int(len))?;
        let storage = Storage { element, key, len };
        let at = match self.storages.iter().position(|known| known.key == storage.key) {
            Some(at) if self.storages[at] == storage => at,
            Some(_) => return Err(ConvertError::malformed("a storage is described in two ways")),
            None => {
                self.storages.push(storage);
                self.storages.len() - 1
            }
        };
        self.stack.push(Value::Storage(at));
        Ok(())
    }

    /// What stands where Python would call a function: the two that weights need are done here.
    fn reduce(&mut self) -> Result<(), ConvertError> {
        let arguments = self.pop_tuple()?;
        match (self.pop()?, &arguments[..]) {
            (Value::Global(Global::OrderedDict), []) => self.hold(Cell::Dict(Vec::new())),
            (
                Value::Global(Global::RebuildTensor),
                &[Value::Storage(storage), offset, shape, strides, _gradient, _hooks],
            ) => {
                let (offset, shape, strides) = (count(offset)?, self.counts(shape)?, self.counts(strides)?);
                if shape.len() != strides.len() {
                    return Err(ConvertError::malformed("a tensor has more sizes than strides, or fewer"));
                }
                self.hold(Cell::Tensor(View { storage, offset, shape, strides }));
            }
            _ => return Err(ConvertError::Forbidden("a call that is none of weights".to_owned())),
        }
        Ok(())
    }

    /// Attributes of a dictionary (`_metadata`) say nothing about the weights.
    fn build(&mut self) -> Result<(), ConvertError> {
        self.pop()?;
        match self.top()? {
            Cell::Dict(_) => Ok(()),
            _ => Err(ConvertError::Forbidden("the state of what is no dictionary".to_owned())),
        }
    }

    fn counts(&self, value: Value) -> Result<Vec<usize>, ConvertError> {
        let Some(Cell::Tuple(items)) = self.heap.cell(value) else {
            return Err(ConvertError::malformed("a shape is no tuple"));
        };
        if items.len() > MOST_DIMENSIONS {
            return Err(ConvertError::TooLarge { what: "the number of dimensions", limit: MOST_DIMENSIONS });
        }
        items.iter().map(|&item| count(item)).collect()
    }

    fn pop(&mut self) -> Result<Value, ConvertError> {
        // What lies below a mark belongs to whoever set it.
        if self.marks.last().is_some_and(|&mark| mark >= self.stack.len()) {
            return Err(empty());
        }
        self.stack.pop().ok_or_else(empty)
    }

    fn pop_tuple(&mut self) -> Result<Vec<Value>, ConvertError> {
        let value = self.pop()?;
        match self.heap.cell(value) {
            Some(Cell::Tuple(items)) if items.len() <= MOST_DIMENSIONS => Ok(items.clone()),
            _ => Err(ConvertError::malformed("a call has no arguments")),
        }
    }

    fn last(&mut self, count: usize) -> Result<Vec<Value>, ConvertError> {
        let floor = self.marks.last().copied().unwrap_or_default();
        let at = self.stack.len().checked_sub(count).filter(|&at| at >= floor).ok_or_else(empty)?;
        Ok(self.stack.split_off(at))
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, ConvertError> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or_else(|| ConvertError::malformed("a mark is missing"))?))
    }

    fn top(&mut self) -> Result<&mut Cell, ConvertError> {
        let top = self.stack.last().copied().ok_or_else(empty)?;
        self.heap.cell_mut(top).ok_or_else(|| ConvertError::malformed("a container is missing"))
    }
}

fn empty() -> ConvertError {
    ConvertError::malformed("the pickle takes more than it put down")
}

/// A number of elements.
fn count(value: Value) -> Result<usize, ConvertError> {
    match value {
        Value::Int(int) => {
            usize::try_from(int).map_err(|_| ConvertError::malformed(format!("{int} is no count")))
        }
        _ => Err(ConvertError::malformed("a count is no number")),
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], ConvertError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(ConvertError::Truncated("a pickle"))?;
    *bytes = rest;
    Ok(*taken)
}

fn take_slice<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], ConvertError> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(ConvertError::Truncated("a pickle"))?;
    *bytes = rest;
    Ok(taken)
}

/// A line of a name, without its end.
fn line(bytes: &mut &[u8]) -> Result<String, ConvertError> {
    let window = &bytes[..bytes.len().min(MOST_NAME_BYTES + 1)];
    let Some(len) = window.iter().position(|&byte| byte == b'\n') else {
        return Err(match window.len() {
            len if len > MOST_NAME_BYTES => ConvertError::TooLarge { what: "a name", limit: MOST_NAME_BYTES },
            _ => ConvertError::Truncated("a name"),
        });
    };
    let name = String::from_utf8_lossy(&bytes[..len]).into_owned();
    *bytes = &bytes[len + 1..];
    Ok(name)
}
