"""From a distortion's explanation to candidate attributes, written by a language model."""
