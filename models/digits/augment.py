"""Digits as they arrive: other hands, other pens, and what the preparation of a photo leaves behind.

All of it works on a batch (n, 28, 28) of float32 in 0..1, white on black, and draws from one seeded generator.
"""

import numpy as np

SIDE = 28
# Displacements are drawn on so coarse a grid (nodes a side) and interpolated: a pen wobbles, it does not tremble.
GRID = 6


def augment(images, random, strength):
    """Each image changed by its own random amount; `strength` 0 changes nothing, 1 is the most."""
    images = warp(images, random, strength)
    images = change_stroke(images, random, strength)
    images = change_tone(images, random, strength)
    return np.clip(add_dirt(images, random, strength), 0, 1)


def warp(images, random, strength):
    """Turned, sheared, scaled, moved and bent, by one bilinear look-up."""
    n = len(images)
    normal = lambda deviation, *shape: strength * deviation * random.standard_normal(shape, np.float32)
    angle, shear = normal(np.deg2rad(8), n, 1), normal(0.12, n, 1)
    scale_x, scale_y = np.exp(normal(0.09, 2, n, 1))
    centre = (SIDE - 1) / 2
    y, x = np.mgrid[:SIDE, :SIDE].reshape(2, 1, -1).astype(np.float32) - np.float32(centre)
    cos, sin = np.cos(angle), np.sin(angle)
    from_x = (cos * x + (shear - sin) * y) / scale_x
    from_y = (sin * x + cos * y) / scale_y
    move_x, move_y = normal(0.9, 2, n, 1) + np.float32(centre)
    bend = random.uniform(0, 1.2, (n, 1)).astype(np.float32)
    bend_x, bend_y = (bend * normal(1, 2, n, GRID * GRID)) @ _interpolation().T
    return _sample(images, from_y + move_y + bend_y, from_x + move_x + bend_x)


def change_stroke(images, random, strength):
    """Thicker by a blend with the maximum of the neighbours, thinner by one with their minimum."""
    amount = strength * random.uniform(-0.5, 0.9, (len(images), 1, 1)).astype(np.float32)
    thick = _over_neighbours(images, np.maximum)
    thin = _over_neighbours(images, np.minimum)
    return images + np.maximum(amount, 0) * (thick - images) + np.maximum(-amount, 0) * (thin - images)


def change_tone(images, random, strength):
    """Blurred or hardened, as resampling and thresholds do."""
    uniform = lambda low, high: random.uniform(low, high, (len(images), 1, 1)).astype(np.float32)
    blur = strength * uniform(0, 0.8) * (uniform(0, 1) < 0.4)
    images = images + blur * (_smooth(images) - images)
    low, high = strength * uniform(0, 0.25), 1 - strength * uniform(-0.15, 0.35)
    return np.clip((images - low) / (high - low), 0, 1)


def add_dirt(images, random, strength):
    """Noise in the ink, and now and then a speck."""
    n = len(images)
    noise = strength * random.uniform(0, 0.12, (n, 1, 1)).astype(np.float32)
    images = images + noise * random.standard_normal(images.shape, np.float32) * (0.3 + images)
    specked = np.flatnonzero(random.random(n) < 0.1 * strength)
    at = random.integers(0, SIDE, (2, len(specked)))
    images[specked, at[0], at[1]] = random.uniform(0.3, 1, len(specked))
    return images


def _sample(images, y, x):
    """Bilinear; black outside. `y` and `x` are (n, 784), in pixels."""
    # One black pixel around the frame stands for everything outside.
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1))).reshape(len(images), -1)
    wide = SIDE + 2
    y = np.clip(y + 1, 0, wide - 1.001).astype(np.float32)
    x = np.clip(x + 1, 0, wide - 1.001).astype(np.float32)
    top, left = y.astype(np.intp), x.astype(np.intp)
    down, right = y - top.astype(np.float32), x - left.astype(np.float32)
    at = top * wide + left + np.arange(len(images))[:, None] * wide * wide
    take = lambda offset: framed.ravel().take(at + offset)
    upper = take(0) * (1 - right) + take(1) * right
    lower = take(wide) * (1 - right) + take(wide + 1) * right
    return (upper * (1 - down) + lower * down).reshape(images.shape)


def _interpolation():
    """The matrix (784, GRID²) that spreads a coarse grid over the frame, by raised cosines."""
    place = np.linspace(0, GRID - 1, SIDE)[:, None] - np.arange(GRID)[None]
    weights = np.where(np.abs(place) < 1, (1 + np.cos(np.pi * place)) / 2, 0)
    return np.kron(weights, weights).astype(np.float32)


def _over_neighbours(images, choose):
    vertical = images.copy()
    choose(vertical[:, 1:], images[:, :-1], out=vertical[:, 1:])
    choose(vertical[:, :-1], images[:, 1:], out=vertical[:, :-1])
    both = vertical.copy()
    choose(both[:, :, 1:], images[:, :, :-1], out=both[:, :, 1:])
    choose(both[:, :, :-1], images[:, :, 1:], out=both[:, :, :-1])
    return both


def _smooth(images):
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]) / 16
