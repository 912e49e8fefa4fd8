"""The network: four convolutions and one linear layer. Images are (n, 28, 28, 1), scores (n, 10)."""

import jax
import jax.numpy as jnp
import numpy as np

# Of each convolution: side of the kernel, stride, channels. The first halves at once: most of a digit's 784 pixels
# are black, and convolutions at full size would be half of the work for a hundredth of a point.
CONVOLUTIONS = [(5, 2, 24), (3, 1, 32), (3, 2, 64), (3, 1, 64)]
CLASSES = 10
LAST_SIDE = 7
# Added to variances, and how slowly the running statistics follow the batches.
EPSILON, FOLLOW = 1e-5, 0.95
DROPOUT = 0.25


def initial(random):
    """Weights by He's rule, and the running means and variances of the normalisations."""
    weights, statistics, channels = {}, {}, 1
    for i, (side, _, out) in enumerate(CONVOLUTIONS):
        shape = (side, side, channels, out)
        weights[f"kernel{i}"] = _normal(random, shape, np.sqrt(2 / (side * side * channels)))
        weights[f"scale{i}"] = jnp.ones(out)
        weights[f"shift{i}"] = jnp.zeros(out)
        statistics[f"mean{i}"] = jnp.zeros(out)
        statistics[f"variance{i}"] = jnp.ones(out)
        channels = out
    inputs = LAST_SIDE * LAST_SIDE * channels
    weights["linear"] = _normal(random, (inputs, CLASSES), np.sqrt(1 / inputs))
    weights["bias"] = jnp.zeros(CLASSES)
    return weights, statistics


def _normal(random, shape, deviation):
    return jnp.asarray(random.normal(0, deviation, shape), jnp.float32)


def train_scores(weights, statistics, images, key):
    """The scores of a batch normalised by its own statistics, and the statistics after it."""
    followed, x = {}, images
    for i, (_, stride, _) in enumerate(CONVOLUTIONS):
        x = convolve(x, weights[f"kernel{i}"], stride)
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        followed[f"mean{i}"] = FOLLOW * statistics[f"mean{i}"] + (1 - FOLLOW) * mean
        followed[f"variance{i}"] = FOLLOW * statistics[f"variance{i}"] + (1 - FOLLOW) * variance
        x = (x - mean) * jax.lax.rsqrt(variance + EPSILON) * weights[f"scale{i}"] + weights[f"shift{i}"]
        x = jax.nn.relu(x)
    # Whole channels are dropped: their pixels say much the same, single ones would be missed little.
    kept = jax.random.bernoulli(key, 1 - DROPOUT, (x.shape[0], 1, 1, x.shape[3]))
    x = x * kept / (1 - DROPOUT)
    return x.reshape(len(x), -1) @ weights["linear"] + weights["bias"], followed


def convolve(x, kernel, stride):
    """As wide as the input divided by the stride; black outside."""
    around = kernel.shape[0] // 2
    padding = [(around, around)] * 2
    return jax.lax.conv_general_dilated(x, kernel, [stride] * 2, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def folded(weights, statistics):
    """The same function without normalisations: kernels and biases of each convolution, then the linear layer."""
    layers = []
    for i, (_, stride, _) in enumerate(CONVOLUTIONS):
        gain = weights[f"scale{i}"] / np.sqrt(statistics[f"variance{i}"] + EPSILON)
        kernel = weights[f"kernel{i}"] * gain
        bias = weights[f"shift{i}"] - statistics[f"mean{i}"] * gain
        layers.append((np.asarray(kernel, np.float32), np.asarray(bias, np.float32), stride))
    return layers, np.asarray(weights["linear"], np.float32), np.asarray(weights["bias"], np.float32)
