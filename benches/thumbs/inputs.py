"""Makes the inputs, once: photographs of scikit-image as a mosaic, with the fine detail and noise of a camera.

A small photograph enlarged to 12 megapixels is smooth, its JPEG is far too small, and every entropy decoder looks
fast. So noise is added until the JPEG at quality 90 has the bytes a pixel of a camera's file.
"""

import io
import pathlib

import numpy
import skimage
from PIL import Image

CAMERA_BYTES_A_PIXEL = 0.37  # a 12-megapixel camera JPEG has 3 to 6 MB
PHOTOGRAPHS = ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "retina.jpg"]
SIZES = {"1mp": (1200, 900), "12mp": (4000, 3000), "24mp": (6000, 4000)}
HUGE_SIDE = 20_000
SEED = 20


def make(folder, huge):
    """Returns {name: path} of every input, making those that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for size, shape in SIZES.items():
        names = [f"{size}-baseline.jpg", f"{size}-progressive.jpg"] + (["12mp.png", "12mp.webp"] if size == "12mp" else [])
        if not all((folder / name).exists() for name in names):
            print(f"making inputs of {size} …", flush=True)
            write(folder, size, photograph(*shape))
    if huge:
        make_huge(folder)
    return {path.name: path for path in sorted(folder.iterdir())}


def write(folder, size, image):
    jpeg = {"quality": 90, "subsampling": "4:2:0"}
    image.save(folder / f"{size}-baseline.jpg", **jpeg)
    image.save(folder / f"{size}-progressive.jpg", progressive=True, **jpeg)
    if size == "12mp":
        image.save(folder / "12mp.png")
        image.save(folder / "12mp.webp", quality=85, method=4)


def photograph(width, height):
    """A mosaic of photographs with camera noise."""
    clean = mosaic(width, height)
    sample = clean[: min(height, 1500), : min(width, 2000)]
    low, high = 0.0, 16.0
    for _ in range(8):
        strength = (low + high) / 2
        if bytes_a_pixel(noisy(sample, strength)) < CAMERA_BYTES_A_PIXEL:
            low = strength
        else:
            high = strength
    return noisy(clean, (low + high) / 2)


def mosaic(width, height):
    random = numpy.random.default_rng(SEED)
    data = pathlib.Path(skimage.__file__).parent / "data"
    photographs = [Image.open(data / name).convert("RGB") for name in PHOTOGRAPHS]
    tile_width, tile_height = max(width // 4, 400), max(height // 4, 300)
    canvas = Image.new("RGB", (width, height))
    index = 0
    for y in range(0, height, tile_height):
        for x in range(0, width, tile_width):
            tile = photographs[index % len(photographs)]
            tile = tile.resize((tile_width, tile_height), Image.Resampling.LANCZOS)
            tile = tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else tile
            canvas.paste(tile, (x, y))
            # 5 is coprime to the 6 photographs and shifts each row, so that no column repeats one.
            index += 5
        index += 2
    return numpy.asarray(canvas, dtype=numpy.float32)


def noisy(pixels, strength):
    """Grain that is strongest in the midtones and partly shared by the channels, as demosaicing leaves it."""
    random = numpy.random.default_rng(SEED)
    shared = random.standard_normal(pixels.shape[:2], dtype=numpy.float32)[..., None]
    own = random.standard_normal(pixels.shape, dtype=numpy.float32)
    tone = 0.4 + 0.6 * numpy.sqrt(pixels / 255.0)
    grain = strength * tone * (0.8 * shared + 0.6 * own)
    return Image.fromarray(numpy.clip(pixels + grain, 0, 255).astype(numpy.uint8))


def bytes_a_pixel(image):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90, subsampling="4:2:0")
    return data.tell() / (image.width * image.height)


def make_huge(folder):
    """20,000 x 20,000, written row by row: 1.2 GB of pixels that are never in memory at once."""
    import pyvips

    tile = folder / "12mp.png"
    for name, save in {
        # Noise of its own: a tile repeats within deflate's window and the file would be unlike a photograph's.
        "huge.png": lambda image, path: grainy(image).pngsave(path, compression=1, filter="sub"),
        "huge.jpg": lambda image, path: image.jpegsave(path, Q=85, subsample_mode="on", interlace=False),
    }.items():
        if (folder / name).exists():
            continue
        print(f"making {name} …", flush=True)
        image = pyvips.Image.new_from_file(str(tile)).replicate(HUGE_SIDE // 4000, HUGE_SIDE // 3000 + 1)
        part = folder / f"part-{name}"
        save(image.crop(0, 0, HUGE_SIDE, HUGE_SIDE), str(part))
        part.rename(folder / name)


def grainy(image):
    import pyvips

    return (image + pyvips.Image.gaussnoise(image.width, image.height, mean=0, sigma=2, seed=SEED)).cast("uchar")
