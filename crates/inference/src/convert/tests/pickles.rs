//! Hand-made files of PyTorch weights: good ones, broken ones, and ones that mean harm.

use crate::convert::{
    ConvertError,
    pickle::{MOST_PICKLE_BYTES, Pickle},
    torch,
};

/// A tensor as a view: name, storage, offset, shape, strides.
pub(super) struct View<'a> {
    pub(super) name: &'a str,
    pub(super) storage: usize,
    pub(super) offset: u32,
    pub(super) shape: &'a [u32],
    pub(super) strides: &'a [u32],
}

/// A file with these storages and views.
pub(super) fn file(storages: &[Vec<f32>], views: &[View<'_>]) -> Vec<u8> {
    let lengths: Vec<u32> = storages.iter().map(|storage| storage.len() as u32).collect();
    let mut file = head();
    file.extend(dictionary(&lengths, views));
    file.extend(keys(storages.len()));
    for storage in storages {
        file.extend((storage.len() as i64).to_le_bytes());
        file.extend(storage.iter().flat_map(|value| value.to_le_bytes()));
    }
    file
}

/// Magic number, protocol, facts about the system.
fn head() -> Vec<u8> {
    let mut head = b"\x80\x02\x8a\x0a".to_vec();
    head.extend(&0x1950_a86a_20f9_469c_fc6c_u128.to_le_bytes()[..10]);
    head.extend(b".\x80\x02M\xe9\x03.\x80\x02}q\x00(X\x0d\x00\x00\x00little_endianq\x01\x88u.");
    head
}

fn dictionary(lengths: &[u32], views: &[View<'_>]) -> Vec<u8> {
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(".to_vec();
    for view in views {
        bytes.extend(text(view.name));
        bytes.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        bytes.extend(text("storage"));
        bytes.extend(b"ctorch\nFloatStorage\n");
        bytes.extend(text(&view.storage.to_string()));
        bytes.extend(text("cpu"));
        bytes.extend(number(lengths[view.storage]));
        bytes.extend(b"NtQ");
        bytes.extend(number(view.offset));
        for sizes in [view.shape, view.strides] {
            bytes.push(b'(');
            bytes.extend(sizes.iter().flat_map(|&size| number(size)));
            bytes.push(b't');
        }
        bytes.extend(b"\x89h\x00)RtR");
    }
    bytes.extend(b"u}X\x09\x00\x00\x00_metadatah\x01sb.");
    bytes
}

fn keys(count: usize) -> Vec<u8> {
    let mut bytes = b"\x80\x02]q\x00(".to_vec();
    bytes.extend((0..count).flat_map(|key| text(&key.to_string())));
    bytes.extend(b"e.");
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn number(value: u32) -> Vec<u8> {
    [b"J".as_slice(), &value.to_le_bytes()].concat()
}

/// The dictionary of tensors replaced by this pickle.
fn with_dictionary(pickle: &[u8]) -> Vec<u8> {
    [head(), pickle.to_vec(), keys(0)].concat()
}

fn view<'a>(name: &'a str, shape: &'a [u32], strides: &'a [u32]) -> View<'a> {
    View { name, storage: 0, offset: 0, shape, strides }
}

#[test]
fn views_are_read_whatever_their_strides() {
    let storages = [(0..12).map(|i| i as f32).collect(), vec![7.5]];
    let views = [
        view("plain", &[3, 4], &[4, 1]),
        view("turned", &[4, 3], &[1, 4]),
        View { offset: 5, ..view("part", &[2, 2], &[4, 1]) },
        view("repeated", &[2, 3], &[0, 1]),
        View { storage: 1, ..view("single", &[], &[]) },
        view("empty", &[0, 4], &[4, 1]),
    ];
    let tensors = torch::read(&file(&storages, &views)).unwrap();
    let values = |name: &str| tensors[name].values().to_vec();
    assert_eq!(values("plain"), storages[0]);
    assert_eq!(values("turned"), [0.0, 4.0, 8.0, 1.0, 5.0, 9.0, 2.0, 6.0, 10.0, 3.0, 7.0, 11.0]);
    assert_eq!(tensors["turned"].shape(), [4, 3]);
    assert_eq!(values("part"), [5.0, 6.0, 9.0, 10.0]);
    assert_eq!(values("repeated"), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    assert_eq!((tensors["single"].shape(), values("single")), (&[][..], vec![7.5]));
    assert_eq!((tensors["empty"].shape(), values("empty")), (&[0, 4][..], vec![]));
}

#[test]
fn whatever_could_execute_code_is_refused_by_name() {
    let harmful: [(&[u8], &str); 7] = [
        (b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", "`os.system`"),
        (b"\x80\x02cposix\nsystem\n.", "`posix.system`"),
        (b"\x80\x02cbuiltins\neval\n.", "`builtins.eval`"),
        (b"\x80\x02ctorch\nload\n.", "`torch.load`"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor\n.", "`torch._utils._rebuild_tensor`"),
        // An allowed name, but not called as weights call it.
        (b"\x80\x02ccollections\nOrderedDict\n]\x85R.", "a call that is none of weights"),
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "a call that is none of weights"),
    ];
    for (pickle, named) in harmful {
        let error = torch::read(&with_dictionary(pickle)).unwrap_err();
        assert_eq!(error, ConvertError::Forbidden(named.to_owned()), "{}", pickle.escape_ascii());
    }
    // Instructions that look names up elsewhere or make objects: INST, OBJ, NEWOBJ, STACK_GLOBAL, EXT1, BINPERSID's
    // textual twin, and those of later protocols.
    for instruction in [b'i', b'o', 0x81, 0x93, 0x82, b'P', 0x8c, 0x95, b'V', b'S'] {
        let error = torch::read(&with_dictionary(&[0x80, 2, instruction, b'.'])).unwrap_err();
        assert!(matches!(error, ConvertError::Forbidden(_)), "{instruction:#x}: {error}");
    }
}

#[test]
fn sizes_that_are_lies_are_refused_before_anything_is_made_of_them() {
    let one = [vec![1.0]];
    let too_large = |shape: &[u32]| {
        let strides = vec![0; shape.len()];
        let views = [view("weights", shape, &strides)];
        matches!(torch::read(&file(&one, &views)), Err(ConvertError::TooLarge { .. }))
    };
    assert!(too_large(&[i32::MAX as u32]));
    assert!(too_large(&[1 << 20, 1 << 20, 1 << 20, 1 << 20]));
    assert!(too_large(&[0, 1 << 30, 1 << 30, 1 << 30]));
    assert!(too_large(&[1; 9]));
    // Each tensor is small enough, all together are not.
    let views: Vec<View<'_>> = (0..9).map(|_| view("weights", &[1 << 24], &[0])).collect();
    assert!(matches!(torch::read(&file(&one, &views)), Err(ConvertError::TooLarge { .. })));
    // Beyond the storage, by its offset and by its strides.
    for view in [View { offset: 1, ..view("a", &[1], &[1]) }, view("a", &[2], &[i32::MAX as u32])] {
        assert!(matches!(torch::read(&file(&one, &[view])), Err(ConvertError::Malformed(_))));
    }
    // A text of 4 GB, and a number of 255 bytes.
    let text = with_dictionary(b"\x80\x02X\xff\xff\xff\xff");
    assert!(matches!(torch::read(&text), Err(ConvertError::Truncated(_))));
    let long = [b"\x80\x02\x8a\xff".as_slice(), &[1; 255], b"."].concat();
    assert!(matches!(Pickle::read(&mut &long[..]), Err(ConvertError::TooLarge { .. })));
    let name = [b"\x80\x02c".as_slice(), &[b'a'; 1000]].concat();
    assert!(matches!(Pickle::read(&mut &name[..]), Err(ConvertError::TooLarge { .. })));
}

#[test]
fn depth_and_length_are_bounded_and_never_recursed_into() {
    let nested = [b"\x80\x02)".as_slice(), &vec![0x85; 1 << 19], b"."].concat();
    assert!(Pickle::read(&mut &nested[..]).is_ok());
    let marks = [b"\x80\x02".as_slice(), &vec![b'('; 1 << 19], b"."].concat();
    assert!(matches!(Pickle::read(&mut &marks[..]), Err(ConvertError::Malformed(_))));
    // A dictionary that holds itself.
    assert!(Pickle::read(&mut &b"\x80\x02}q\x00h\x00h\x00s."[..]).is_ok());
    let endless = vec![b'N'; MOST_PICKLE_BYTES + 2];
    assert!(matches!(Pickle::read(&mut &endless[..]), Err(ConvertError::TooLarge { .. })));
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    let whole = file(
        &[vec![1.0, 2.0], vec![3.0]],
        &[view("a", &[2], &[1]), View { storage: 1, ..view("b", &[], &[]) }],
    );
    assert!(torch::read(&whole).is_ok());
    for len in 0..whole.len() {
        assert!(torch::read(&whole[..len]).is_err(), "{len} bytes are enough");
    }
}

#[test]
fn no_changed_byte_makes_the_reader_panic() {
    let whole = file(&[vec![1.0, 2.0]], &[view("a", &[2, 1], &[1, 1])]);
    for at in 0..whole.len() {
        for value in 0..=255 {
            let mut changed = whole.clone();
            changed[at] = value;
            let _either_way = torch::read(&changed);
        }
    }
}
