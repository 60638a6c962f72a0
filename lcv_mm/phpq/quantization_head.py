"""The head of PHPQ: an embedding, its codebooks and their losses.

N images have M parts of d channels each; there are M codebooks of K codewords. Parts and codewords have unit length.
"""

from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.heads import ClsHead
from mmpretrain.models.heads.margin_head import NormProduct
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ..errors import ConfigError
from ..ops.arithmetic import accumulation_dtype, no_autocast

CODEWORDS = 256  # in each codebook: a code is one byte


@MODELS.register_module()
class QuantizationHead(ClsHead):
    """Product quantisation with partial codebook attention (PHPQ, Zeng et al., 2024), trained on class labels.

    Feature -> batch norm -> linear -> M parts of unit length -> the nearest of 256 codewords for each part: M bytes per
    image. The training log shows `loss_cls` (cross entropy on the parts), `loss_quantized` (cross entropy on their
    codewords, with the same classifier) and `loss_quantization` (squared distance between the two).

    Paper: "partial codebook attention" that optimises the most relevant codewords. We do not know its losses and the
    numbers below; docs/quoted.md gives the source of each default.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels of the feature.
        bits (int): Length of a code, a multiple of 8: one byte from each of bits / 8 codebooks. Defaults to 64.
        part_channels (int): Channels d of a part and of its codewords. Defaults to 16.
        alpha (float): Factor of the scores in the attention, above 0. Defaults to 10.
        attention_topk (int): Number of codewords in the attention, in [1, 256]. Defaults to 32.
        scale (float): Factor of the classifier's cosines, above 0. Defaults to 16.
        weight_quantization (float): Factor of `loss_quantization`, 0 or more. Defaults to 0.1.
        **kwargs: Of MMPretrain's `ClsHead`: `loss`, `topk`, `cal_acc`, `init_cfg`.

    Raises:
        ConfigError: If `bits` is not a multiple of 8.

    Examples:
        >>> head = QuantizationHead(num_classes=10, in_channels=64, bits=16).eval()
        >>> head((torch.rand(2, 64),)).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        bits: int = 64,
        part_channels: int = 16,
        alpha: float = 10.0,
        attention_topk: int = 32,
        scale: float = 16.0,
        weight_quantization: float = 0.1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if bits < 8 or bits % 8:
            raise ConfigError(f'QuantizationHead: {bits=} must be a multiple of 8')
        self.num_classes, self.alpha, self.attention_topk, self.scale = num_classes, alpha, attention_topk, scale
        self.weight_quantization = weight_quantization
        books = bits // 8
        self.norm = nn.BatchNorm1d(in_channels)
        self.embed = nn.Linear(in_channels, books * part_channels)
        self.codebooks = nn.Parameter(torch.empty(books, CODEWORDS, part_channels))
        for book in self.codebooks.data:
            nn.init.xavier_uniform_(book)
        self.fc = NormProduct(books * part_channels, num_classes)

    def parts(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Embed the last level: a tuple of (N, in_channels) -> (N, M, d), each part of unit length."""
        self.norm.train(self.training and len(feats[-1]) > 1)  # a single image has no variance
        x = self.embed(self.norm(feats[-1]))
        x = x.unflatten(1, (len(self.codebooks), -1))  # (N, M * d) -> (N, M, d)
        return F.normalize(x.to(accumulation_dtype(x.dtype)), dim=-1)

    def codewords(self) -> Tensor:
        """The codebooks, (M, 256, d), each codeword of unit length."""
        return F.normalize(self.codebooks.to(accumulation_dtype(self.codebooks.dtype)), dim=-1)

    def tables(self, parts: Tensor) -> Tensor:
        """Scores of parts (N, M, d) with all codewords: (N, M, 256); the code is the argmax."""
        with no_autocast(parts):
            return codeword_scores(parts, self.codewords())

    def classify(self, parts: Tensor) -> Tensor:
        """Class scores of parts or codewords: (N, M, d) -> (N, num_classes), cosines times `scale`."""
        return self.scale * self.fc(parts.flatten(1).to(self.fc.weight.dtype))

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Class scores of the unquantised parts: a tuple of (N, in_channels) -> (N, num_classes)."""
        return self.classify(self.parts(feats))

    def loss(self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any) -> dict[str, Tensor]:
        """Compute the three losses of a batch and, with `cal_acc`, the accuracy."""
        parts = self.parts(feats)
        with no_autocast(parts):
            quantized, nearest = quantize(parts, self.codewords(), self.alpha, self.attention_topk)
            error = (parts - nearest).square().sum(-1).mean()
        losses = self._get_loss(self.classify(parts), data_samples, **kwargs)
        losses['loss_cls'] = losses.pop('loss')
        losses['loss_quantized'] = self._get_loss(self.classify(quantized), data_samples, **kwargs)['loss']
        losses['loss_quantization'] = self.weight_quantization * error
        return losses


def codeword_scores(parts: Tensor, codebooks: Tensor) -> Tensor:
    """Inner product of each part with each codeword of its codebook: (N, M, d), (M, K, d) -> (N, M, K).

    For a query, these are the look-up tables of asymmetric search.
    """
    return torch.einsum('nmd,mkd->nmk', parts, codebooks)


def soft_codes(scores: Tensor, alpha: float, topk: int) -> Tensor:
    """Partial codebook attention: softmax over the k highest-scoring codewords; the others get 0 and no gradient.

    Args:
        scores (Tensor): (N, M, K).
        alpha (float): Factor of the scores before the softmax, above 0; higher values are closer to a hard code.
        topk (int): Number k of codewords, in [1, K]; K gives the plain softmax, 1 the hard code.

    Returns:
        Tensor: (N, M, K); each row sums to 1.

    Examples:
        >>> soft_codes(torch.tensor([[[1.0, 2.0, 3.0]]]), alpha=1.0, topk=1)
        tensor([[[0., 0., 1.]]])
    """
    values, nearest = scores.topk(topk, dim=-1)
    return torch.zeros_like(scores).scatter(-1, nearest, torch.softmax(alpha * values, dim=-1))


def quantize(parts: Tensor, codebooks: Tensor, alpha: float, topk: int) -> tuple[Tensor, Tensor]:
    """Quantise with straight-through gradients.

    Args:
        parts (Tensor): (N, M, d).
        codebooks (Tensor): (M, K, d).
        alpha (float): Factor of the scores before the softmax, as in `soft_codes`.
        topk (int): Number of codewords in the attention.

    Returns:
        tuple[Tensor, Tensor]: (N, M, d) each: the nearest codewords with the gradient of the soft codewords, and the
        nearest codewords with their own gradient.
    """
    scores = codeword_scores(parts, codebooks)
    soft = torch.einsum('nmk,mkd->nmd', soft_codes(scores, alpha, topk), codebooks)
    hard = codebooks[torch.arange(len(codebooks), device=scores.device), scores.argmax(-1)]
    return hard.detach() + (soft - soft.detach()), hard
