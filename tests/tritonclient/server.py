"""The server that is asked, and clients of it."""

import os
import time
import unittest
import urllib.error
import urllib.request

import numpy as np
import tritonclient.http as triton

ADDRESS = os.environ["DARKROOM_ADDRESS"]
KEY = os.environ["DARKROOM_KEY"]
DEADLINE = time.monotonic() + 180


def auth() -> dict[str, str]:
    """A new dictionary each time: the client adds headers of its own to it."""
    return {"Authorization": f"Bearer {KEY}"}


def wait() -> None:
    """Until the server answers."""
    while True:
        try:
            urllib.request.urlopen(f"http://{ADDRESS}/v2/health/live", timeout=20)
            return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > DEADLINE:
                raise SystemExit(f"the server does not answer: {error}") from error
            time.sleep(0.1)


def rows(name: str, values: list[list[float]], binary: bool = True) -> triton.InferInput:
    """An input of the arithmetic model."""
    array = np.array(values, dtype=np.float32)
    tensor = triton.InferInput(name, list(array.shape), "FP32")
    return tensor.set_data_from_numpy(array, binary_data=binary)


class Case(unittest.TestCase):
    """With a client for each test."""

    client: triton.InferenceServerClient

    @classmethod
    def setUpClass(cls) -> None:
        wait()

    def setUp(self) -> None:
        self.client = triton.InferenceServerClient(ADDRESS, concurrency=4, network_timeout=60)
        self.addCleanup(self.client.close)

    def refused(self, status: int, words: str, call, *given, **named) -> None:
        """The call fails with this status and these words."""
        named.setdefault("headers", auth())
        with self.assertRaises(triton.InferenceServerException) as caught:
            call(*given, **named)
        self.assertEqual(caught.exception.status(), str(status), caught.exception)
        self.assertIn(words, caught.exception.message())
