"""Health, metadata, configuration, index, and who may ask."""

import asyncio

import tritonclient.http as triton
import tritonclient.http.aio as aio
from server import ADDRESS, Case, auth, rows


class Metadata(Case):
    def test_health_is_open(self) -> None:
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())

    def test_the_server_says_what_it_speaks(self) -> None:
        server = self.client.get_server_metadata(headers=auth())
        self.assertEqual(server["name"], "darkroom")
        self.assertIn("binary_tensor_data", server["extensions"])

    def test_a_model_says_what_it_takes_and_gives(self) -> None:
        self.assertTrue(self.client.is_model_ready("arithmetic", headers=auth()))
        self.assertTrue(self.client.is_model_ready("arithmetic", "1", headers=auth()))
        self.assertFalse(self.client.is_model_ready("nobody", headers=auth()))
        self.assertFalse(self.client.is_model_ready("arithmetic", "9", headers=auth()))
        model = self.client.get_model_metadata("arithmetic", headers=auth())
        self.assertEqual((model["name"], model["versions"]), ("arithmetic", ["1"]))
        self.assertEqual(model["inputs"][0], {"name": "a", "datatype": "FP32", "shape": [-1, 2]})
        self.assertEqual([output["name"] for output in model["outputs"]], ["sum", "product"])
        digits = self.client.get_model_metadata("digits", "1", headers=auth())
        self.assertEqual(digits["inputs"][0]["parameters"]["encoded_images"], "BYTES")

    def test_the_configuration_is_what_image_clients_look_for(self) -> None:
        config = self.client.get_model_config("digits", headers=auth())
        self.assertEqual((config["name"], config["max_batch_size"]), ("digits", 8))
        self.assertEqual(config["input"][0]["format"], "FORMAT_NCHW")
        self.assertEqual(config["input"][0]["dims"], [1, 28, 28])
        self.assertEqual(config["output"][0]["data_type"], "TYPE_FP32")

    def test_the_index_lists_every_model(self) -> None:
        index = self.client.get_model_repository_index(headers=auth())
        self.assertEqual({(model["name"], model["state"]) for model in index}, {("arithmetic", "READY"), ("digits", "READY")})

    def test_what_is_not_spoken_is_said(self) -> None:
        client = self.client
        for call in [client.get_inference_statistics, client.get_trace_settings, client.load_model, client.unload_model]:
            self.refused(404, "Nothing is served", call, "digits")
        for call in [client.get_log_settings, client.get_system_shared_memory_status]:
            self.refused(404, "Nothing is served", call)

    def test_models_need_a_name_behind_the_question(self) -> None:
        metadata = self.client.get_model_metadata
        self.refused(401, "not answer those who have not signed in", metadata, "digits", headers={})
        self.refused(401, "token or key", metadata, "digits", headers={"Authorization": "Bearer dk_wrong"})
        self.refused(404, "no model `nobody`", metadata, "nobody")


class Asynchronous(Case):
    def test_the_asynchronous_client_reads_the_same(self) -> None:
        async def ask() -> None:
            async with aio.InferenceServerClient(ADDRESS) as client:
                self.assertTrue(await client.is_server_ready())
                model = await client.get_model_metadata("arithmetic", headers=auth())
                self.assertEqual(model["platform"], "onnxruntime_onnx")
                inputs = [rows("a", [[1, 2]]), rows("b", [[3, 4]])]
                # It says by itself that it takes gzip and deflate.
                result = await client.infer("arithmetic", inputs, headers=auth())
                self.assertEqual(result.as_numpy("product").tolist(), [[3, 8]])
                with self.assertRaises(triton.InferenceServerException) as caught:
                    await client.infer("nobody", inputs, headers=auth())
                self.assertIn("no model", caught.exception.message())

        asyncio.run(ask())
