#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`fathom inspect` on a checkpoint of V4-Flash's true size: every tensor name and shape, in sparse files of 156 GB."""

from __future__ import annotations

import json
import math
import os
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

FATHOM = os.environ["FATHOM"]
ROOT = Path(os.environ["FATHOM_SOURCE_DIR"])
BYTES = {"F8_E4M3": 1, "F8_E8M0": 1, "I8": 1, "BF16": 2, "F32": 4, "I64": 8}
SHARDS = 46


def fp8(name: str, rows: int, cols: int) -> list[tuple[str, str, list[int]]]:
    """An FP8 matrix and its scales."""
    scale = [math.ceil(rows / 128), math.ceil(cols / 128)]
    return [(f"{name}.weight", "F8_E4M3", [rows, cols]), (f"{name}.scale", "F8_E8M0", scale)]


def fp4(name: str, rows: int, cols: int) -> list[tuple[str, str, list[int]]]:
    """An FP4 matrix and its scales."""
    return [(f"{name}.weight", "I8", [rows, cols // 2]), (f"{name}.scale", "F8_E8M0", [rows, cols // 32])]


def compressor(name: str, config: dict, ratio: int, dim: int) -> list[tuple[str, str, list[int]]]:
    """A compressor of `dim` pooled channels."""
    width = 2 * dim if ratio == 4 else dim
    hidden = config["hidden_size"]
    return [
        (f"{name}.wkv.weight", "BF16", [width, hidden]),
        (f"{name}.wgate.weight", "BF16", [width, hidden]),
        (f"{name}.norm.weight", "BF16", [dim]),
        (f"{name}.ape", "F32", [ratio, width]),
    ]


def layer_tensors(c: dict, layer: int) -> list[tuple[str, str, list[int]]]:
    """(name, dtype, shape) of one layer in the released layout."""
    d, h, dim, n, q = (c[k] for k in ("hidden_size", "num_attention_heads", "head_dim", "hc_mult", "q_lora_rank"))
    groups, rank, inter = c["o_groups"], c["o_lora_rank"], c["moe_intermediate_size"]
    ratio, p = c["compress_ratios"][layer], f"layers.{layer}"
    tensors = [(f"{p}.{x}_norm.weight", "BF16", [d]) for x in ("attn", "ffn")]
    for x in ("attn", "ffn"):
        tensors += [(f"{p}.hc_{x}_fn", "F32", [(2 + n) * n, n * d]), (f"{p}.hc_{x}_base", "F32", [(2 + n) * n])]
        tensors += [(f"{p}.hc_{x}_scale", "F32", [3])]
    a = f"{p}.attn"
    tensors += fp8(f"{a}.wq_a", q, d) + fp8(f"{a}.wq_b", h * dim, q) + fp8(f"{a}.wkv", dim, d)
    tensors += fp8(f"{a}.wo_a", groups * rank, h * dim // groups) + fp8(f"{a}.wo_b", d, groups * rank)
    tensors += [(f"{a}.q_norm.weight", "BF16", [q]), (f"{a}.kv_norm.weight", "BF16", [dim]), (f"{a}.attn_sink", "F32", [h])]
    if ratio:
        tensors += compressor(f"{a}.compressor", c, ratio, dim)
    if ratio == 4:
        heads, index_dim = c["index_n_heads"], c["index_head_dim"]
        tensors += fp8(f"{a}.indexer.wq_b", heads * index_dim, q)
        tensors += [(f"{a}.indexer.weights_proj.weight", "BF16", [heads, d])]
        tensors += compressor(f"{a}.indexer.compressor", c, ratio, index_dim)
    experts = c["n_routed_experts"]
    tensors += [(f"{p}.ffn.gate.weight", "BF16", [experts, d])]
    if layer < c["num_hash_layers"]:
        tensors += [(f"{p}.ffn.gate.tid2eid", "I64", [c["vocab_size"], c["num_experts_per_tok"]])]
    else:
        tensors += [(f"{p}.ffn.gate.bias", "F32", [experts])]
    shapes = {"w1": (inter, d), "w2": (d, inter), "w3": (inter, d)}
    for e in range(experts):
        for w, (rows, cols) in shapes.items():
            tensors += fp4(f"{p}.ffn.experts.{e}.{w}", rows, cols)
    for w, (rows, cols) in shapes.items():
        tensors += fp8(f"{p}.ffn.shared_experts.{w}", rows, cols)
    return tensors


def model_tensors(c: dict) -> list[tuple[str, str, list[int]]]:
    """All tensors of the main model."""
    v, d, n = c["vocab_size"], c["hidden_size"], c["hc_mult"]
    tensors = [("embed.weight", "BF16", [v, d]), ("head.weight", "BF16", [v, d]), ("norm.weight", "BF16", [d])]
    tensors += [("hc_head_fn", "F32", [n, n * d]), ("hc_head_base", "F32", [n]), ("hc_head_scale", "F32", [1])]
    for layer in range(c["num_hidden_layers"]):
        tensors += layer_tensors(c, layer)
    return tensors


def write_sparse_checkpoint(folder: Path, config_path: Path) -> int:
    """Headers and index as released, data as holes; returns the number of tensors."""
    text = config_path.read_text()
    tensors = model_tensors(json.loads(text))
    (folder / "config.json").write_text(text)
    per_shard = math.ceil(len(tensors) / SHARDS)
    weight_map = {}
    for shard in range(SHARDS):
        name, header, offset = f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors", {}, 0
        for tensor, dtype, shape in tensors[shard * per_shard : (shard + 1) * per_shard]:
            size = math.prod(shape) * BYTES[dtype]
            header[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
            offset += size
            weight_map[tensor] = name
        data = json.dumps(header, separators=(",", ":")).encode()
        with open(folder / name, "wb") as out:
            out.write(struct.pack("<Q", len(data)) + data)
            out.truncate(8 + len(data) + offset)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return len(tensors)


class TrueSize(unittest.TestCase):
    """Headers only, so the size of the weights does not matter."""

    def test_flash_answers_at_once_with_the_published_counts(self) -> None:
        claims = json.loads((ROOT / "tests/fixtures/claims.json").read_text())["flash"]
        with tempfile.TemporaryDirectory() as name:
            tensors = write_sparse_checkpoint(Path(name), ROOT / "tests/fixtures/configs/flash.json")
            seconds = math.inf
            for _ in range(3):
                started = time.monotonic()
                done = subprocess.run([FATHOM, "inspect", name, "--json"], capture_output=True, timeout=60)
                seconds = min(seconds, time.monotonic() - started)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            answer = json.dumps(json.loads(done.stdout))
            self.assertGreater(tensors, 60_000)
            self.assertIn(str(tensors), answer)
            self.assertIn(str(claims["parameters"]["total"]), answer)
            print(f"{tensors} tensors, {sum(f.stat().st_size for f in Path(name).iterdir()) / 1e9:.0f} GB: {seconds:.3f} s")

    def test_claims_are_the_fixture(self) -> None:
        for model in ("flash", "pro"):
            with tempfile.TemporaryDirectory() as name:
                config = (ROOT / f"tests/fixtures/configs/{model}.json").read_text()
                (Path(name) / "config.json").write_text(config)
                done = subprocess.run([FATHOM, "inspect", name, "--claims", "--json"], capture_output=True, timeout=60)
            got = json.loads(done.stdout)
            want = json.loads((ROOT / "tests/fixtures/claims.json").read_text())[model]
            self.assertEqual(got["parameters"], want["parameters"])
            for length, values in want["lengths"].items():
                self.assertEqual(got["lengths"][length]["kv_bytes"], values["kv_bytes"])
                self.assertAlmostEqual(got["lengths"][length]["flops_ratio"], values["flops_ratio"], delta=1e-12)


if __name__ == "__main__":
    unittest.main()
