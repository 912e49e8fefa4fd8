//! What parent and child say to each other. A message is the length of its head (four bytes, little-endian), the head
//! in JSON, and then the values of its tensors one after the other. Both ends are the same binary on the same machine.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::tensor::{Data, ElementType, Named, Tensor, TensorInfo};

/// The head of a message: names and shapes, no values.
const MOST_HEAD: usize = 1 << 20;
/// The values of one message.
const MOST_VALUES: u64 = 4 << 30;

/// How the child opens the engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Opening {
    /// ONNX Runtime's library.
    pub(super) runtime: PathBuf,
    /// See [`crate::Provider`].
    pub(super) provider: String,
    /// See [`crate::Config::kept`].
    pub(super) kept: Option<PathBuf>,
}

/// The first message: which file to load, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) opening: Opening,
    pub(super) file: PathBuf,
    /// See [`crate::engine::LoadOptions`].
    pub(super) threads: usize,
    pub(super) digest: String,
}

/// Everything that is ever said.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Head {
    /// Parent: load this.
    Load(Box<Load>),
    /// Child: it is loaded.
    Loaded { inputs: Vec<TensorInfo>, outputs: Vec<TensorInfo> },
    /// Parent: run on these. Child: this came out.
    Tensors(Vec<Described>),
    /// Child: the file is no model, or none for this engine.
    BadModel(String),
    /// Child: the run failed, or there is no engine.
    Failed(String),
}

/// A tensor without its values.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Described {
    name: String,
    kind: ElementType,
    shape: Vec<usize>,
    bytes: u64,
}

/// Says something without tensors.
pub(super) fn send(to: &mut impl Write, head: &Head) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let length = u32::try_from(head.len()).ok().filter(|length| *length as usize <= MOST_HEAD);
    let length = length.ok_or_else(|| wrong("a message has too long a head"))?;
    to.write_all(&[&length.to_le_bytes(), head.as_slice()].concat())
}

/// Says tensors.
pub(super) fn send_tensors<'a>(
    to: &mut impl Write,
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
) -> io::Result<()> {
    let (described, values): (Vec<Described>, Vec<Vec<u8>>) = tensors
        .map(|(name, tensor)| {
            let values = tensor.data().to_bytes();
            let described = Described {
                name: name.to_owned(),
                kind: tensor.element_type(),
                shape: tensor.shape().to_vec(),
                bytes: values.len() as u64,
            };
            (described, values)
        })
        .unzip();
    send(to, &Head::Tensors(described))?;
    values.iter().try_for_each(|values| to.write_all(values))
}

/// Waits for the next message. `None` where the other side has gone.
pub(super) fn receive(from: &mut impl Read) -> io::Result<Option<Head>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_HEAD {
        return Err(wrong("a message has too long a head"));
    }
    let mut head = vec![0; length];
    from.read_exact(&mut head)?;
    Ok(Some(serde_json::from_slice(&head)?))
}

/// The values that follow a head.
pub(super) fn receive_tensors(from: &mut impl Read, described: Vec<Described>) -> io::Result<Vec<Named>> {
    let all = described.iter().try_fold(0u64, |sum, tensor| sum.checked_add(tensor.bytes));
    if all.is_none_or(|all| all > MOST_VALUES) {
        return Err(wrong("a message has too many values"));
    }
    described.into_iter().map(|tensor| receive_tensor(from, tensor)).collect()
}

fn receive_tensor(from: &mut impl Read, tensor: Described) -> io::Result<Named> {
    let Described { name, kind, shape, bytes } = tensor;
    let mut values = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    from.read_exact(&mut values)?;
    let data = Data::from_bytes(kind, &values).map_err(io::Error::other)?;
    Tensor::new(shape, data).map(|tensor| (name, tensor)).ok_or_else(|| wrong("a tensor is not of its shape"))
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_arrive_as_they_were_sent() {
        let one = Tensor::new([2, 1], Data::F32(vec![1.5, -2.5])).unwrap();
        let two = Tensor::new([1], Data::Bytes(vec![b"text".to_vec()])).unwrap();
        let mut sent = Vec::new();
        send_tensors(&mut sent, [("one", &one), ("two", &two)].into_iter()).unwrap();
        let mut rest = sent.as_slice();
        let Some(Head::Tensors(described)) = receive(&mut rest).unwrap() else { panic!("no tensors") };
        let received = receive_tensors(&mut rest, described).unwrap();
        assert_eq!(received, [("one".to_owned(), one), ("two".to_owned(), two)]);
        assert!(receive(&mut rest).unwrap().is_none(), "there is no more");
    }

    #[test]
    fn what_makes_no_sense_is_no_message() {
        assert!(receive(&mut [0xff; 8].as_slice()).is_err());
        assert!(receive(&mut [2, 0, 0, 0, b'{', b'!'].as_slice()).is_err());
        let lies = |shape: Vec<usize>, bytes| {
            vec![Described { name: "x".to_owned(), kind: ElementType::F32, shape, bytes }]
        };
        assert!(receive_tensors(&mut [0; 8].as_slice(), lies(vec![3], 8)).is_err());
        assert!(receive_tensors(&mut [0; 8].as_slice(), lies(vec![3], 12)).is_err());
        assert!(receive_tensors(&mut [0; 8].as_slice(), lies(vec![3], u64::MAX)).is_err());
    }
}
