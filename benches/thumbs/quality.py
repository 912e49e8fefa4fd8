"""How near a thumbnail is to the best one: full decode, Lanczos over every pixel.

SSIM is on luma (Rec. 601, Gaussian window of sigma 1.5, as Wang et al. 2004), PSNR over the three RGB channels.
Peers are asked for PNG here, so that no encoder is in the figure.
"""

import functools
import math

import numpy
from PIL import Image
from skimage.metrics import structural_similarity

Image.MAX_IMAGE_PIXELS = None


def compare(output, source):
    """`(ssim, psnr)` of an output file against the reference of its own size."""
    with Image.open(output) as image:
        pixels = image.convert("RGB")
    best = reference(str(source), pixels.size)
    ssim = structural_similarity(
        luma(pixels), luma(best), gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    error = numpy.mean((numpy.asarray(pixels, dtype=float) - numpy.asarray(best, dtype=float)) ** 2)
    return float(ssim), 10 * math.log10(255**2 / error) if error else math.inf


@functools.cache
def reference(source, size):
    # On encoded values (gamma): all peers but oximg average so unless told otherwise.
    return full_decode(source).resize(size, Image.Resampling.LANCZOS)


@functools.lru_cache(maxsize=1)
def full_decode(source):
    with Image.open(source) as image:
        return image.convert("RGB")


def luma(image):
    return numpy.asarray(image.convert("L"), dtype=float)
