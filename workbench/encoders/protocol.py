"""What the workbench needs of an encoder: an image tower open to prompts, and frozen texts."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, InitVar, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.domain.run import EncoderFacts
from workbench.errors import CheckpointMismatchError, ShapeError


class Tower(nn.Module, ABC):
    """An image tower opened at its seam, so that prompt tokens can join: embed, blocks, pool.

    Shapes: B images, C class tokens, N patches, P prompts, W width, E embedding, S image size in
    pixels.

    Attributes:
        image_size: S.
        patch_size: Side of a patch in pixels.
        width: W.
        class_tokens: C, how many tokens before the patches stand for none of them: 1 where there is
            a CLS, 0 in SigLIP, which pools by attention; registers count.
        prepares: Whether `prepare` does work that tuning never changes, so that training on the
            same crops again saves time.
    """

    image_size: int
    patch_size: int
    width: int
    class_tokens: int
    prepares: bool = False

    @property
    @abstractmethod
    def blocks(self) -> nn.ModuleList:
        """The transformer blocks, each from (B, T, W) to (B, T, W)."""

    @abstractmethod
    def embed(self, images: Tensor) -> Tensor:
        """Return the tokens that enter the first block, [class, patches], (B, C+N, W)."""

    @abstractmethod
    def admit(self, tokens: Tensor) -> Tensor:
        """Return raw tokens, (B, P, W), as the norm before the first block makes them."""

    @abstractmethod
    def pool(self, tokens: Tensor) -> Tensor:
        """Return embeddings, (B, E), from the last block's [class, patches], (B, C+N, W)."""

    def pass_block(self, layer: int, tokens: Tensor) -> Tensor:
        """Return what a block makes of tokens, prompts among them, (B, T, W)."""
        return self.blocks[layer](tokens)  # type: ignore[no-any-return]

    def finish(self, tokens: Tensor, image_tokens: int) -> Tensor:
        """Return embeddings, (B, E), from what enters the last block, (B, image_tokens + P, W).

        A tower whose block allows it computes there what `pool` reads, and nothing else.
        """
        return self.pool(self.blocks[-1](tokens)[:, :image_tokens])

    def prepare(self, images: Tensor) -> Tensor:
        """Return images, (B, 3, S, S), with everything computed that no tuning can change.

        The tower takes the result wherever it takes images. This one has nothing to prepare.
        """
        return images

    def require_size(self, images: Tensor) -> None:
        """Raise a ShapeError unless images are (B, 3, S, S)."""
        if images.shape[-2:] != (self.image_size, self.image_size):
            raise ShapeError(
                f"The tower reads {self.image_size}x{self.image_size} px, got images of "
                f"{images.shape[-1]}x{images.shape[-2]} px."
            )

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings without prompts, (B, E), from images, (B, 3, S, S)."""
        self.require_size(images)
        return self.encode(images)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return embeddings, (B, E), of what `embed` takes."""
        tokens = self.embed(inputs)
        for block in self.blocks:
            tokens = block(tokens)
        return self.pool(tokens)


@dataclass(eq=False, repr=False)
class Encoder:
    """An image tower, a frozen text tower, and what is known about both.

    Attributes:
        facts: Goes into every result.
        model: The open_clip model that holds both towers; it is frozen here.
        tower: Its image tower, opened.
        tokenise: Sentences to token ids, (N, T).
        count_tokens: Sentences to the number of tokens of each, special ones included, before any
            is cut off.
        context_length: How many tokens the text tower reads.
        mean: Per channel, of images in [0, 1].
        std: Likewise.
        logit_scale: s of Eq. 6, the checkpoint's own.
        default_polarity: The sentence pair that suits the text tower (METHOD §1.1).
        device: Where it computes.
        threads: CPU threads that suit the tower; None for torch's own choice.
    """

    facts: EncoderFacts
    _: KW_ONLY
    model: Any
    tower: Tower
    tokenise: Callable[[list[str]], Tensor]
    count_tokens: Callable[[list[str]], list[int]]
    context_length: int
    mean: InitVar[Sequence[float]]
    std: InitVar[Sequence[float]]
    logit_scale: float
    default_polarity: str
    device: torch.device
    threads: int | None = None

    def __post_init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.model = self.model.to(self.device).eval().requires_grad_(False)
        self._mean = torch.tensor(mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, 3, 1, 1)

    @property
    def is_fixed(self) -> bool:
        """Whether its name stands for the same numbers tomorrow, so that results can be cached.

        Random weights don't, nor does a file that somebody may replace.
        """
        return self.facts.trained and not Path(self.facts.weights).exists()

    @torch.no_grad()
    def encode_texts(self, sentences: Sequence[str]) -> Tensor:
        """Return L2-normalised embeddings of N sentences, (N, E), without gradient."""
        tokens = self.tokenise(list(sentences)).to(self.device)
        return F.normalize(self.model.encode_text(tokens).float(), dim=-1)

    def token_counts(self, sentences: Sequence[str]) -> tuple[list[int], int]:
        """Return the real number of tokens of N sentences, and how many the text tower reads.

        Tokens beyond that are silently cut off, so a sentence that is too long is not what its
        author thinks it is.
        """
        return self.count_tokens(list(sentences)), self.context_length

    def normalise(self, images: Tensor) -> Tensor:
        """Return images as the tower expects them: (B, 3, H, W) uint8 to float, same shape."""
        return (images.to(self.device).float() / 255).sub_(self._mean).div_(self._std)


@contextmanager
def computing_threads(count: int | None) -> Iterator[None]:
    """Let torch compute on a number of threads in the block; None leaves it as it is.

    A small tower's operations are so short that two threads spend their time waiting for each
    other: beside one other busy process, tuning the offline encoder took 53 s on two threads and
    3 s on one. One thread also makes the bits of a result independent of the number of cores.
    """
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def source_digest(*modules: ModuleType) -> str:
    """Return a hash of modules' source: what is cached by it is made anew after each change."""
    sources = [Path(str(module.__file__)).read_bytes() for module in modules]
    return hashlib.sha256(b"\0".join(sources)).hexdigest()


def checked_file(file: Path, sha256: str, *, remedy: str) -> Path:
    """Return the path of a file whose bytes hash to what they must.

    Args:
        file: The file.
        sha256: What its bytes must hash to, 64 hexadecimal digits.
        remedy: What to do if they don't, one sentence.

    Raises:
        CheckpointMismatchError: The file is missing, damaged or another one.
    """
    if not file.is_file():
        raise CheckpointMismatchError(f"{file} is missing. {remedy}")
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != sha256:
        raise CheckpointMismatchError(
            f"{file} has SHA-256 {digest[:12]}…, expected {sha256[:12]}…. {remedy}"
        )
    return file


def checked_tensors(file: Path, sha256: str, *, remedy: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file; arguments and errors as of `checked_file`."""
    try:
        return load_file(checked_file(file, sha256, remedy=remedy))
    except SafetensorError as fault:
        raise CheckpointMismatchError(f"{file} cannot be read: {fault}. {remedy}") from fault
