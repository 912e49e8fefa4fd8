"""pyvips `thumbnail`: shrink-on-load with libvips' own margin, single-threaded and without its operation cache."""

import os

os.environ["VIPS_CONCURRENCY"] = "1"

import protocol  # noqa: E402
import pyvips  # noqa: E402

pyvips.cache_set_max(0)
args = protocol.arguments()


def render():
    return {size: encode(shrink(size)) for size in args.sizes}


def shrink(size):
    # Every size opens the file again: that is how libvips is used, its scaled decoders make it the cheapest way.
    return pyvips.Image.thumbnail(args.input, size, height=size, size="down")


def encode(image):
    if args.format == "jpeg":
        return image.jpegsave_buffer(Q=protocol.QUALITY, subsample_mode="on", keep="none")
    return image.pngsave_buffer(compression=1, keep="none")


protocol.measure(args, render)
