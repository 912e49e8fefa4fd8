"""Encoded images as the model's input."""

import base64

import numpy as np
import tritonclient.http as triton
from digits import one, seven, zero
from server import Case, auth


def images(*files: bytes, column: bool = False) -> triton.InferInput:
    """One or more files as they are."""
    array = np.array(files, dtype=np.object_)
    array = array.reshape(-1, 1) if column else array
    return triton.InferInput("images", list(array.shape), "BYTES").set_data_from_numpy(array)


class Images(Case):
    def test_drawn_digits_are_read(self) -> None:
        for digit, file in [(0, zero()), (1, one()), (7, seven())]:
            logits = self.client.infer("digits", [images(file)], headers=auth()).as_numpy("logits")
            self.assertEqual(logits.shape, (1, 10))
            self.assertEqual(logits.argmax(), digit)

    def test_several_are_a_batch(self) -> None:
        files = [one(), zero(), seven(), one()] * 3
        for column in (False, True):
            result = self.client.infer("digits", [images(*files, column=column)], headers=auth())
            self.assertEqual(result.as_numpy("logits").argmax(axis=1).tolist(), [1, 0, 7, 1] * 3)

    def test_json_takes_base64(self) -> None:
        text = base64.b64encode(seven())
        for text in (text, b"data:image/png;base64," + text):
            tensor = triton.InferInput("images", [1], "BYTES")
            tensor.set_data_from_numpy(np.array([text], dtype=np.object_), binary_data=False)
            logits = self.client.infer("digits", [tensor], headers=auth()).as_numpy("logits")
            self.assertEqual(logits.argmax(), 7)

    def test_a_file_may_be_bytes_without_a_length(self) -> None:
        file = np.frombuffer(zero(), dtype=np.uint8)[None]
        tensor = triton.InferInput("images", list(file.shape), "UINT8").set_data_from_numpy(file)
        self.assertEqual(self.client.infer("digits", [tensor], headers=auth()).as_numpy("logits").argmax(), 0)

    def test_pixels_and_files_give_the_same(self) -> None:
        # A tensor that the client has made itself: half of the ink everywhere.
        pixels = np.full((3, 1, 28, 28), 0.5, dtype=np.float32)
        tensor = triton.InferInput("images", list(pixels.shape), "FP32").set_data_from_numpy(pixels)
        logits = self.client.infer("digits", [tensor], headers=auth()).as_numpy("logits")
        self.assertEqual(logits.shape, (3, 10))
        np.testing.assert_allclose(logits[0], logits[2], rtol=1e-4, atol=1e-4)

    def test_classes_come_with_their_values(self) -> None:
        for binary in (True, False):
            outputs = [triton.InferRequestedOutput("logits", binary_data=binary, class_count=3)]
            result = self.client.infer("digits", [images(one(), seven())], outputs=outputs, headers=auth())
            best = result.as_numpy("logits")
            self.assertEqual(best.shape, (2, 3))
            # Bytes where they came as such, else text.
            texts = [text.decode() if binary else text for text in best.flatten()]
            values, classes = zip(*(text.split(":") for text in texts))
            self.assertEqual((classes[0], classes[3]), ("1", "7"))
            self.assertEqual([float(value) for value in values[:3]], sorted(map(float, values[:3]), reverse=True))

    def test_what_is_no_image_is_said(self) -> None:
        infer = self.client.infer
        self.refused(400, "Image 1", infer, "digits", [images(one(), b"no picture")])
        self.refused(400, "is empty", infer, "digits", [images(b"", one())])
        self.refused(400, "64 may be in one request", infer, "digits", [images(*[one()] * 65)])
        pixels = np.full((1, 1, 28, 28), np.nan, dtype=np.float32)
        tensor = triton.InferInput("images", [1, 1, 28, 28], "FP32").set_data_from_numpy(pixels)
        self.refused(400, "no numbers", infer, "digits", [tensor])
