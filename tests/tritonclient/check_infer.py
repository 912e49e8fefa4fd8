"""Questions in tensors."""

import numpy as np
import tritonclient.http as triton
from server import Case, auth, rows

A, B = [[1, 2], [3, 4]], [[10, 20], [30, 40.5]]
SUM, PRODUCT = [[11, 22], [33, 44.5]], [[10, 40], [90, 162]]


class Infer(Case):
    def test_binary_is_the_default_both_ways(self) -> None:
        result = self.client.infer("arithmetic", [rows("a", A), rows("b", B)], request_id="q-7", headers=auth())
        self.assertEqual(result.as_numpy("sum").tolist(), SUM)
        self.assertEqual(result.as_numpy("product").tolist(), PRODUCT)
        self.assertEqual(result.as_numpy("sum").dtype, np.float32)
        answer = result.get_response()
        self.assertEqual((answer["model_name"], answer["model_version"], answer["id"]), ("arithmetic", "1", "q-7"))
        self.assertEqual(result.get_output("sum")["parameters"]["binary_data_size"], 16)

    def test_json_and_binary_mix(self) -> None:
        for a_binary in (True, False):
            for b_binary in (True, False):
                inputs = [rows("b", B, b_binary), rows("a", A, a_binary)]
                outputs = [
                    triton.InferRequestedOutput("product", binary_data=not a_binary),
                    triton.InferRequestedOutput("sum", binary_data=b_binary),
                ]
                result = self.client.infer("arithmetic", inputs, "1", outputs, headers=auth())
                self.assertEqual(result.as_numpy("sum").tolist(), SUM)
                self.assertEqual(result.as_numpy("product").tolist(), PRODUCT)

    def test_only_what_is_asked_for_comes_back(self) -> None:
        outputs = [triton.InferRequestedOutput("product")]
        result = self.client.infer("arithmetic", [rows("a", A), rows("b", B)], outputs=outputs, headers=auth())
        self.assertIsNone(result.as_numpy("sum"))
        self.assertEqual(result.as_numpy("product").tolist(), PRODUCT)

    def test_bodies_may_be_compressed(self) -> None:
        many = np.arange(20_000, dtype=np.float32).reshape(-1, 2).tolist()
        for sent in (None, "gzip", "deflate"):
            for wanted in (None, "gzip", "deflate"):
                for binary in (True, False):
                    result = self.client.infer(
                        "arithmetic",
                        [rows("a", many, binary), rows("b", many, binary)],
                        outputs=[triton.InferRequestedOutput("sum", binary_data=binary)],
                        headers=auth(),
                        request_compression_algorithm=sent,
                        response_compression_algorithm=wanted,
                    )
                    np.testing.assert_array_equal(result.as_numpy("sum"), np.array(many) * 2)

    def test_many_at_once_are_answered_apart(self) -> None:
        asked = [
            self.client.async_infer("arithmetic", [rows("a", [[i, i]]), rows("b", [[1, 2]])], headers=auth())
            for i in range(40)
        ]
        for i, answer in enumerate(asked):
            self.assertEqual(answer.get_result().as_numpy("sum").tolist(), [[i + 1, i + 2]])

    def test_what_is_wrong_is_said(self) -> None:
        infer, a, b = self.client.infer, rows("a", A), rows("b", B)
        self.refused(404, "no model `nobody`", infer, "nobody", [a, b])
        self.refused(404, "no model `arithmetic/9`", infer, "arithmetic", [a, b], "9")
        self.refused(400, "`b` is missing", infer, "arithmetic", [a])
        self.refused(400, "no input `c`", infer, "arithmetic", [a, b, rows("c", A)])
        self.refused(400, "takes the shape [?, 2], not [1, 3]", infer, "arithmetic", [rows("a", [[1, 2, 3]]), b])
        self.refused(400, "no output `x`", infer, "arithmetic", [a, b], outputs=[triton.InferRequestedOutput("x")])
        whole = triton.InferInput("a", [2, 2], "INT32").set_data_from_numpy(np.array(A, dtype=np.int32))
        self.refused(400, "takes FP32, not INT32", infer, "arithmetic", [whole, b])
        shared = triton.InferInput("a", [2, 2], "FP32")
        shared.set_shared_memory("region", 16)
        self.refused(400, "shared memory", infer, "arithmetic", [shared, b])
        self.refused(400, "sequence", infer, "arithmetic", [a, b], sequence_id=3)
        self.refused(401, "signed in", infer, "arithmetic", [a, b], headers={})
