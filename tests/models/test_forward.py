"""The network read in numpy says what transformers' says."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from surveyor.training.compact.forward import TokenReader
from surveyor.training.compact.model import ModelShape, make_model
from surveyor.training.compact.vocabulary import Vocabulary
from surveyor.training.serving.sampling import reading, sampled

pytestmark = pytest.mark.models


@pytest.mark.parametrize("shape", [(3, 96, 4, 2), (1, 64, 2, 2), (2, 128, 4, 1)])
def test_numbers_and_choices_are_those_of_the_library(shape: tuple[int, int, int, int]) -> None:
    layers, width, heads, groups = shape
    sizes = ModelShape(layers=layers, width=width, heads=heads, groups=groups, inner=2 * width)
    vocabulary = Vocabulary.of([])
    model = make_model(sizes, vocabulary, seed=1).eval()
    with torch.no_grad():
        for value in model.parameters():  # norms of one would hide a forgotten norm
            value.mul_(3.0 + torch.rand_like(value))
    prompt = np.random.default_rng(2).integers(0, len(vocabulary.tokens), 50).tolist()
    ours = TokenReader(model)
    with torch.no_grad():
        whole = model(input_ids=torch.tensor([prompt])).logits[0].numpy()
    first, rest = ours(prompt[:20]), ours(prompt[20:])
    np.testing.assert_allclose(first, whole[19], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(rest, whole[-1], rtol=1e-3, atol=1e-3)
    tensors = {"input_ids": torch.tensor([prompt])}
    for temperature in (0.0, 1.0):
        told = [
            sampled(one, ids, end=-1, most=12, temperature=temperature, seed=3)
            for one, ids in ((TokenReader(model), prompt), (reading(model, tensors), ()))
        ]
        assert told[0].ids == told[1].ids
        np.testing.assert_allclose(told[0].logprobs, told[1].logprobs, rtol=1e-3, atol=1e-3)
