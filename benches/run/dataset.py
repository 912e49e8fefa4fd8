"""Photographs in folders, as a user has them: made from real ones by cropping, turning and lighting them anew.

Every file is different, so that nothing that remembers answers gains by it.
"""

import pathlib
import random

from PIL import Image, ImageEnhance

SIZE = (640, 480)
FOLDERS = 20
QUALITY = 88

# The face in the photograph of the astronaut, 512 x 512: left, top, right, bottom, with hair and chin.
FACE_PHOTO, FACE = "astronaut.png", (165, 45, 285, 210)
WITHOUT_FACE = ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg")

# A number is written in so many bits, each a square with a side of so many pixels.
BITS, SQUARE = 17, 16

# One photograph in five shows nobody.
FACELESS = 5


def faces(photos, folder, count, seed=1):
    """`count` photographs of 640 x 480 below `folder`."""
    dice = random.Random(seed)
    pictures = {name: Image.open(photos / name).convert("RGB") for name in (FACE_PHOTO, *WITHOUT_FACE)}
    for index in range(count):
        if index % FACELESS == FACELESS - 1:
            picture = crop(pictures[dice.choice(WITHOUT_FACE)], dice)
        else:
            picture = portrait(pictures[FACE_PHOTO], dice)
        picture = ImageEnhance.Brightness(picture).enhance(dice.uniform(0.7, 1.3))
        picture = ImageEnhance.Contrast(picture).enhance(dice.uniform(0.8, 1.2))
        path = folder / f"person-{index % FOLDERS:02}" / f"{index:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, quality=QUALITY)


def portrait(photo, dice):
    """A part of the photograph with the whole face in it, turned a little."""
    photo = photo.rotate(dice.uniform(-12, 12), resample=Image.BICUBIC, center=((FACE[0] + FACE[2]) / 2, (FACE[1] + FACE[3]) / 2))
    if dice.random() < 0.5:
        photo = photo.transpose(Image.FLIP_LEFT_RIGHT)
        left, right = photo.width - FACE[2], photo.width - FACE[0]
    else:
        left, right = FACE[0], FACE[2]
    width = dice.uniform(300, 500)
    height = width * SIZE[1] / SIZE[0]
    x = dice.uniform(max(0, right - width), min(left, photo.width - width))
    y = dice.uniform(max(0, FACE[3] - height), min(FACE[1], photo.height - height))
    return photo.resize(SIZE, Image.LANCZOS, box=(x, y, x + width, y + height))


def crop(photo, dice):
    share = dice.uniform(0.6, 1.0)
    width, height = photo.width * share, photo.height * share
    x, y = dice.uniform(0, photo.width - width), dice.uniform(0, photo.height - height)
    return photo.resize(SIZE, Image.LANCZOS, box=(x, y, x + width, y + height))


def many(sources, folder, count):
    """`count` files that are like `sources` in turn, each with its number as squares in its pixels: what is made of them
    differs, too."""
    pictures = [Image.open(path).convert("RGB") for path in sources]
    for index in range(count):
        picture = pictures[index % len(pictures)].copy()
        for bit in range(BITS):
            left = SQUARE * (2 * bit + 1)
            shade = (250, 250, 250) if index >> bit & 1 else (5, 5, 5)
            picture.paste(shade, (left, SQUARE, left + SQUARE, 2 * SQUARE))
        path = folder / f"{index // 1000:03}" / f"{index:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, quality=QUALITY)


def files(folder):
    return sorted(path for path in pathlib.Path(folder).rglob("*.jpg"))
