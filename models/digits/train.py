"""Trains the digits model on MNIST and writes `digits.onnx` and `manifest.toml` beside itself.

    python train.py --data FOLDER [--epochs 14] [--seed 1] [--out FOLDER]

The same seed, packages and processor give the same bytes. The test digits are looked at once, at the end, through
the file that was written.
"""

import argparse
import os
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime

import export
import manifest
import mnist
import network
from augment import augment

BATCH = 128
# Adam with decoupled decay; the rate climbs for WARM of the steps and falls along a cosine to nothing.
RATE, DECAY, WARM = 4e-3, 2e-2, 0.15
BETA1, BETA2 = 0.9, 0.99
# What is written is the running mean of the weights over about 500 steps.
AVERAGE = 0.998
# The last part of the training sees digits closer to the real ones.
CALM_FROM, CALM = 0.8, 0.6


def main():
    options = arguments()
    folder = pathlib.Path(options.out)
    images, labels = mnist.read(options.data, "train")
    taken = np.random.default_rng(0).permutation(len(images))[: options.take]
    weights, statistics = train(images[taken], labels[taken], options)
    digest = export.write(folder, *network.folded(weights, statistics))
    manifest.write(folder, digest)
    right, wrong = evaluate(folder / "digits.onnx", *mnist.read(options.data, "test"))
    print(f"{digest}  digits.onnx")
    print(f"test digits: {right} right, {wrong} wrong: {100 * right / (right + wrong):.2f} %")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("DARKROOM_TEST_DATA"), help="the folder with MNIST")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--take", type=int, help="only so many training digits, to try something")
    parser.add_argument("--out", default=pathlib.Path(__file__).parent)
    options = parser.parse_args()
    if not options.data:
        parser.error("say where MNIST is: --data FOLDER or DARKROOM_TEST_DATA")
    return options


def train(images, labels, options):
    """The averaged weights and the statistics after `options.epochs` rounds."""
    random = np.random.default_rng(options.seed)
    weights, statistics = network.initial(random)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, statistics, zeros, zeros, (weights, statistics))
    rounds = len(images) // BATCH
    steps = rounds * options.epochs
    key, began, step = jax.random.key(options.seed), time.monotonic(), 0
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(epoch_digits, images, labels, random, 0.0)
        for epoch in range(options.epochs):
            digits, answers = coming.result()
            coming = ahead.submit(epoch_digits, images, labels, random, (epoch + 1) / options.epochs)
            losses = []
            for i in range(rounds):
                part = slice(i * BATCH, (i + 1) * BATCH)
                state, loss = advance(state, digits[part], answers[part], key, step, steps)
                losses.append(loss)
                step += 1
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.monotonic() - began:.0f} s", flush=True)
        coming.cancel()
    return state[4]


def epoch_digits(images, labels, random, progress):
    """All digits once, shuffled and augmented, ready for the network."""
    order = random.permutation(len(images))
    strength = 1.0 if progress < CALM_FROM else CALM
    digits = np.empty((len(images), 28, 28, 1), np.float32)
    for start in range(0, len(order), 1024):
        part = order[start : start + 1024]
        digits[start : start + len(part), ..., 0] = augment(images[part].astype(np.float32) / 255, random, strength)
    return digits, labels[order].astype(np.int32)


@jax.jit
def advance(state, digits, answers, key, step, steps):
    """One step of the optimiser; the new state and the loss."""
    weights, statistics, first, second, averaged = state
    lose = lambda weights: loss_of(weights, statistics, digits, answers, jax.random.fold_in(key, step))
    (loss, statistics), gradient = jax.value_and_grad(lose, has_aux=True)(weights)
    first = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, gradient)
    second = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, gradient)
    at = step + 1.0
    rate = learning_rate(step / steps)

    def moved(w, m, v):
        direction = (m / (1 - BETA1**at)) / (jnp.sqrt(v / (1 - BETA2**at)) + 1e-8)
        # Scales and shifts do not decay.
        return w - rate * (direction + DECAY * w * (w.ndim > 1))

    weights = jax.tree.map(moved, weights, first, second)
    # At the start the mean would remember the random weights; let it reach back no further than half of the way.
    keep = jnp.minimum(AVERAGE, at / (at + 10))
    averaged = jax.tree.map(lambda a, w: keep * a + (1 - keep) * w, averaged, (weights, statistics))
    return (weights, statistics, first, second, averaged), loss


def loss_of(weights, statistics, digits, answers, key):
    scores, statistics = network.train_scores(weights, statistics, digits, key)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(scores), answers[:, None], 1)
    return -chosen.mean(), statistics


def learning_rate(progress):
    falling = (1 + jnp.cos(jnp.pi * (progress - WARM) / (1 - WARM))) / 2
    return RATE * jnp.where(progress < WARM, progress / WARM, falling)


def evaluate(path, images, labels):
    """How many digits the written file recognises, as they are, and how many it does not."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    scores = session.run(["logits"], {"images": images[:, None].astype(np.float32) / 255})[0]
    right = int((scores.argmax(1) == labels).sum())
    return right, len(labels) - right


if __name__ == "__main__":
    main()
