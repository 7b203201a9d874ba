"""SAM 3 in parts: one backbone, and a decoder for each meaning of a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.services.neural.runtime import array

Tokens = tuple[tuple[int, ...], tuple[int, ...]]
_LEVELS = 3  # feature maps at 1/4, 1/8 and 1/16 of the patch grid's image


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One mask (H, W) of the image sent, and the prompt that it answers (instance mode)."""

    mask: NDArray[np.bool_]
    score: float
    prompt: int | None = None


def embed(concept: Any, pixels: Any) -> Any:
    """(B, C, h, w) output of the backbone for (B, 3, S, S) images."""
    vision = concept.vision_encoder
    hidden = vision.backbone(pixels).last_hidden_state
    side = pixels.shape[-1] // vision.config.backbone_config.patch_size
    return hidden.view(len(pixels), side, side, -1).permute(0, 3, 1, 2)


def concept_masks(
    concept: Any,
    hidden: Any,
    tokens: Tokens,
    boxes: NDArray[np.float64],
    size: tuple[int, int],
    threshold: float,
) -> list[Cut]:
    """Everything that the text names or that is like the exemplar boxes, best first.

    ``boxes`` (N, 2, 2) corners in 0..1. A score is the query's times the model's belief that the
    concept is present at all.
    """
    import torch
    from transformers.models.sam3.modeling_sam3 import Sam3VisionEncoderOutput

    maps, positions = concept.vision_encoder.neck(hidden)
    device = hidden.device
    exemplars = {}
    if len(boxes):
        shaped = np.concatenate([boxes.mean(axis=1), boxes[:, 1] - boxes[:, 0]], axis=1)
        exemplars["input_boxes"] = torch.tensor(shaped[None], dtype=torch.float32, device=device)
        exemplars["input_boxes_labels"] = torch.ones(
            (1, len(boxes)), dtype=torch.long, device=device
        )
    out = concept(
        vision_embeds=Sam3VisionEncoderOutput(
            last_hidden_state=hidden, fpn_hidden_states=maps, fpn_position_encoding=positions
        ),
        input_ids=torch.tensor([tokens[0]], device=device),
        attention_mask=torch.tensor([tokens[1]], device=device),
        **exemplars,
    )
    scores = out.pred_logits[0].float().sigmoid()
    if out.presence_logits is not None:
        scores = scores * out.presence_logits[0].float().sigmoid()
    order = scores.argsort(descending=True, stable=True)
    order = order[scores[order] >= threshold]
    masks = _enlarged(out.pred_masks[0, order].float().sigmoid(), size) > 0.5
    values = array(scores[order])
    return [
        Cut(mask, float(score)) for mask, score in zip(masks.cpu().numpy(), values, strict=True)
    ]


def instance_masks(
    instance: Any,
    hidden: Any,
    boxes: NDArray[np.float64],
    points: NDArray[np.float64],
    size: tuple[int, int],
    threshold: float,
) -> list[Cut]:
    """One mask per prompt that reaches the threshold: first the boxes, then the points.

    ``boxes`` (N, 2, 2), ``points`` (M, 2) in 0..1. A score is the predicted overlap with the true
    mask times the belief that there is an object.
    """
    import torch

    features = _instance_features(instance, hidden)
    scale = instance.prompt_encoder.input_image_size
    cuts: list[Cut] = []
    prompts: list[tuple[int, dict[str, Any]]] = []
    if len(boxes):
        # The prompt encoder adds half a pixel to reach a pixel's centre.
        corners = torch.tensor(boxes.reshape(1, -1, 4) * scale - 0.5, dtype=torch.float32)
        prompts.append((0, {"input_boxes": corners.to(hidden.device)}))
    if len(points):
        spots = torch.tensor(points.reshape(1, -1, 1, 2) * scale - 0.5, dtype=torch.float32)
        prompts.append((len(boxes), {"input_points": spots.to(hidden.device)}))
    for first, prompt in prompts:
        out = instance(image_embeddings=features, multimask_output=False, **prompt)
        present = out.object_score_logits[0, :, 0].float().sigmoid()
        scores = array(out.iou_scores[0, :, 0].float().clamp(0, 1) * present)
        masks = (_enlarged(out.pred_masks[0, :, 0].float(), size) > 0).cpu().numpy()
        for index in np.flatnonzero(scores >= threshold):
            cuts.append(Cut(masks[index], float(scores[index]), first + int(index)))
    return cuts


def _instance_features(instance: Any, hidden: Any) -> list[Any]:
    """Three feature maps for the mask decoder, finest first.

    The published checkpoint's neck makes a fourth, coarser map that only video tracking knows to
    drop; the image model's own method would add its *no memory* embedding to that one.
    """
    maps = list(instance.vision_encoder.neck(hidden)[0][:_LEVELS])
    decoder = instance.mask_decoder
    bias = instance.no_memory_embedding.view(1, -1, 1, 1)
    return [decoder.conv_s0(maps[0]), decoder.conv_s1(maps[1]), maps[2] + bias]


def _enlarged(masks: Any, size: tuple[int, int]) -> Any:
    """(N, h, w) to (N, H, W), linear between pixel centres."""
    from torch.nn.functional import interpolate

    if not len(masks):
        return masks.new_zeros((0, *size))
    return interpolate(masks[None], size, mode="bilinear", align_corners=False)[0]
