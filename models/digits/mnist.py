"""Reads MNIST, from the two forms in which it is passed around."""

import pathlib

import numpy as np

IDX_FILES = {"train": "train", "test": "t10k"}


def read(folder, part):
    """The images (n, 28, 28) uint8 and the labels (n,) uint8 of `part`, "train" or "test".

    Their order is by label and then by pixels, whatever it was: a seed means the same for every copy.
    """
    folder = pathlib.Path(folder)
    packed = folder / f"mnist_{part}.npz"
    name = IDX_FILES[part]
    if packed.exists():
        images, labels = _read_npz(packed)
    else:
        images = _read_idx(folder / f"{name}-images-idx3-ubyte", 3)
        labels = _read_idx(folder / f"{name}-labels-idx1-ubyte", 1)
    rows = np.concatenate([labels[:, None], images.reshape(len(images), -1)], 1)
    order = np.argsort(rows.view(f"V{rows.shape[1]}").ravel(), kind="stable")
    return images[order], labels[order]


def _read_npz(path):
    arrays = list(np.load(path).values())
    images = next(array for array in arrays if array.ndim == 3)
    labels = next(array for array in arrays if array.ndim == 1)
    return images.astype(np.uint8), labels.astype(np.uint8)


def _read_idx(path, dimensions):
    # IDX: two zero bytes, 8 for unsigned bytes, the number of dimensions, then their sizes, big-endian.
    content = path.read_bytes()
    if content[:4] != bytes([0, 0, 8, dimensions]):
        raise SystemExit(f"{path} is not an IDX file of {dimensions} dimensions; is it still compressed?")
    header = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:header], ">u4")
    return np.frombuffer(content[header:], np.uint8).reshape(shape)
